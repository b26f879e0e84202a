#include "mqtt.h"

using espalier::MqttEventKind;

/** In the client's task: copies, posts, waits for nothing. What an event points to is gone when this returns. */
void EspMqtt::hear(const esp_mqtt_event_t& event) {
  switch (event.event_id) {
    case MQTT_EVENT_CONNECTED:
      connected_ = true;
      return tell(MqttEventKind::connected, 0, 0);
    case MQTT_EVENT_ERROR:
      if (event.error_handle->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED)
        fault_ = static_cast<int32_t>(event.error_handle->connect_return_code);
      else if (event.error_handle->esp_tls_stack_err != 0 || event.error_handle->esp_tls_cert_verify_flags != 0)
        fault_ = -1;
      return;
    case MQTT_EVENT_DISCONNECTED:
      connected_ = false;
      return tell(fault_ > 0 ? MqttEventKind::refused : MqttEventKind::disconnected, 0, fault_);
    case MQTT_EVENT_SUBSCRIBED:
      return tell(MqttEventKind::subscribed, event.msg_id,
                  event.error_handle->error_type == MQTT_ERROR_TYPE_SUBSCRIBE_FAILED ? 0x80 : 0);
    case MQTT_EVENT_PUBLISHED:
      return tell(MqttEventKind::acknowledged, event.msg_id, 0);
    case MQTT_EVENT_DATA:
      return piece(event);
    default:
      return;
  }
}

/** A message longer than the client's buffer comes in pieces, of which only the first has the topic. A piece that does not fit where the
 *  last one ended, or finds no room, costs its whole message: half a command is none. */
void EspMqtt::piece(const esp_mqtt_event_t& event) {
  const size_t size = static_cast<size_t>(event.data_len);
  const size_t total = static_cast<size_t>(event.total_data_len);
  const size_t topic = static_cast<size_t>(event.topic_len);
  Head& head = in_.head;
  if (event.current_data_offset == 0) {
    head = Head();
    head.kind = MqttEventKind::message;
    head.id = event.msg_id;
    head.retained = event.retain;
    head.duplicate = event.dup;
    assembling_ = topic > 0 && topic <= espalier::sizes::kTopicBytes && total <= espalier::sizes::kInBytes;
    if (assembling_) memcpy(in_.bytes, event.topic, topic);
    head.topicSize = static_cast<uint8_t>(topic);
    if (!assembling_) lost_ = lost_ + 1;
  }
  if (!assembling_) return;
  if (static_cast<size_t>(event.current_data_offset) != head.payloadSize || head.payloadSize + size > total) {
    assembling_ = false;
    lost_ = lost_ + 1;
    return;
  }
  if (size > 0) memcpy(in_.bytes + head.topicSize + head.payloadSize, event.data, size);
  head.payloadSize = static_cast<uint16_t>(head.payloadSize + size);
  if (head.payloadSize < total) return;
  assembling_ = false;
  if (!post(&in_, sizeof head + head.topicSize + head.payloadSize, kReserve)) lost_ = lost_ + 1;
}

void EspMqtt::tell(MqttEventKind kind, int32_t id, int32_t code) {
  Head head;
  head.kind = kind;
  head.id = id;
  head.code = code;
  (void)post(&head, sizeof head, 0);
}

bool EspMqtt::post(const void* frame, size_t size, size_t reserve) {
  return xMessageBufferSpacesAvailable(events_) >= size + sizeof(size_t) + reserve &&
         xMessageBufferSend(events_, frame, size, 0) == size;
}
