#include "mqtt.h"

#include "esp_timer.h"
#include "freertos/task.h"

using espalier::MqttConnect;
using espalier::MqttEvent;
using espalier::MqttEventKind;
using espalier::Text;

namespace {

constexpr int kNetworkTimeoutMs = 10000;
/** A stopped client sleeps half of this while it waits to be told to reconnect, so this bounds how long its end takes. */
constexpr int kReconnectWaitMs = 100;
/** Never within a connection: the core sends again what no receipt covers. */
constexpr int kRetransmitMs = 3600000;
/** The outbox forgets a message after 30 s, in silence. A PUBACK that has not come by then never will. */
constexpr int64_t kStallUs = 30000000;
constexpr uint64_t kOutboxBytes = 12288;
/** A command fits in one piece. */
constexpr int kInBytes = 2304;
constexpr int kOutBytes = 1024;

template <size_t kSize>
const char* terminated(Text text, char (&room)[kSize]) {
  const size_t size = text.size < kSize - 1 ? text.size : kSize - 1;
  memcpy(room, text.data, size);
  room[size] = '\0';
  return room;
}

/** NULL for "": esp_mqtt takes an empty certificate for one. */
const char* orNone(const char* pem) { return pem[0] == '\0' ? nullptr : pem; }

}  // namespace

void EspMqtt::begin() { events_ = xMessageBufferCreateStatic(kRoom, eventsRoom_, &eventsState_); }

void EspMqtt::connect(const MqttConnect& how) {
  abort();
  how_ = how;
  waiting_ = true;
}

void EspMqtt::open() {
  waiting_ = false;
  quiet_ = false;
  (void)xMessageBufferReset(events_);
  assembling_ = false;
  fault_ = 0;
  unacknowledged_ = 0;
  const espalier::BrokerSettings& broker = *how_.broker;
  memcpy(ca_, broker.ca, sizeof ca_);
  memcpy(certificate_, broker.certificate, sizeof certificate_);
  memcpy(key_, broker.key, sizeof key_);
  char id[sizeof(espalier::Settings::id)];
  char willTopic[espalier::sizes::kTopicBytes + 1];

  esp_mqtt_client_config_t config = {};
  config.broker.address.hostname = broker.host;
  config.broker.address.port = broker.port;
  config.broker.address.transport = broker.tls ? MQTT_TRANSPORT_OVER_SSL : MQTT_TRANSPORT_OVER_TCP;
  config.broker.verification.certificate = broker.tls ? orNone(ca_) : nullptr;
  config.credentials.client_id = terminated(how_.clientId, id);
  config.credentials.username = orNone(broker.user);
  config.credentials.authentication.password = orNone(broker.password);
  config.credentials.authentication.certificate = broker.tls ? orNone(certificate_) : nullptr;
  config.credentials.authentication.key = broker.tls ? orNone(key_) : nullptr;
  config.session.protocol_ver = MQTT_PROTOCOL_V_3_1_1;
  config.session.keepalive = 30;
  config.session.message_retransmit_timeout = kRetransmitMs;
  config.session.last_will.topic = terminated(how_.willTopic, willTopic);
  config.session.last_will.msg = how_.willPayload.data;
  config.session.last_will.msg_len = static_cast<int>(how_.willPayload.size);
  config.session.last_will.qos = 1;
  config.session.last_will.retain = 1;
  config.network.disable_auto_reconnect = true;
  config.network.reconnect_timeout_ms = kReconnectWaitMs;
  config.network.timeout_ms = kNetworkTimeoutMs;
  config.buffer.size = kInBytes;
  config.buffer.out_size = kOutBytes;
  config.outbox.limit = kOutboxBytes;

  const esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);
  if (client != nullptr) {
    client_ = client;
    const bool heard = esp_mqtt_client_register_event(client, MQTT_EVENT_ANY, onEvent, this) == ESP_OK;
    if (heard && esp_mqtt_client_start(client) == ESP_OK) return;
    client_ = nullptr;
    (void)esp_mqtt_client_destroy(client);
  }
  tell(MqttEventKind::disconnected, 0, 0);
}

bool EspMqtt::subscribe(const Text* filters, size_t count) {
  constexpr size_t kMost = 4;
  char texts[kMost][espalier::sizes::kTopicBytes + 1];
  esp_mqtt_topic_t topics[kMost] = {};
  if (!connected_ || count == 0 || count > kMost) return false;
  for (size_t i = 0; i < count; i++) {
    topics[i].filter = terminated(filters[i], texts[i]);
    topics[i].qos = 1;
  }
  return esp_mqtt_client_subscribe_multiple(client_, topics, static_cast<int>(count)) >= 0;
}

int32_t EspMqtt::publish(Text topic, Text payload, uint8_t qos, bool retain) {
  char text[espalier::sizes::kTopicBytes + 1];
  // While it connects, the client holds its lock through TCP and TLS: enqueue would wait for all of it.
  if (!connected_) return -1;
  const int32_t id = esp_mqtt_client_enqueue(client_, terminated(topic, text), payload.data, static_cast<int>(payload.size), qos,
                                             retain ? 1 : 0, true);
  if (id < 0 || qos == 0) return id;
  if (unacknowledged_++ == 0) quietSinceUs_ = esp_timer_get_time();
  return id;
}

bool EspMqtt::stalled() const { return unacknowledged_ > 0 && esp_timer_get_time() - quietSinceUs_ > kStallUs; }

void EspMqtt::disconnect() {
  const esp_mqtt_client_handle_t client = client_;
  waiting_ = false;
  quiet_ = true;
  connected_ = false;
  client_ = nullptr;
  if (client != nullptr) end(client);
}

void EspMqtt::abort() {
  waiting_ = false;
  quiet_ = true;
  connected_ = false;
  const esp_mqtt_client_handle_t client = client_;
  client_ = nullptr;
  if (client == nullptr) return;
  closing_ = client;
  if (xTaskCreate(closer, "mqtt_close", 3072, this, 1, nullptr) == pdPASS) return;
  end(client);
  closing_ = nullptr;
}

/** Not from the client's own task. Its task empties the outbox on the way out. */
void EspMqtt::end(esp_mqtt_client_handle_t client) {
  (void)esp_mqtt_client_stop(client);
  (void)esp_mqtt_client_destroy(client);
}

void EspMqtt::closer(void* self) {
  EspMqtt& mqtt = *static_cast<EspMqtt*>(self);
  end(mqtt.closing_);
  mqtt.closing_ = nullptr;
  vTaskDelete(nullptr);
}

MqttEvent EspMqtt::poll() {
  if (waiting_ && closing_ == nullptr) open();
  MqttEvent event;
  if (quiet_) return event;
  if (xMessageBufferReceive(events_, &out_, sizeof out_, 0) < sizeof out_.head) {
    if (!stalled()) return event;
    abort();
    event.kind = MqttEventKind::disconnected;
    return event;
  }
  const Head& head = out_.head;
  if (head.kind == MqttEventKind::acknowledged && unacknowledged_ > 0) {
    unacknowledged_--;
    quietSinceUs_ = esp_timer_get_time();
  }
  event.kind = head.kind;
  event.id = head.id;
  event.code = head.code;
  event.retained = head.retained;
  event.duplicate = head.duplicate;
  event.topic = Text(out_.bytes, head.topicSize);
  event.payload = Text(out_.bytes + head.topicSize, head.payloadSize);
  return event;
}

void EspMqtt::onEvent(void* self, esp_event_base_t, int32_t, void* data) {
  EspMqtt& mqtt = *static_cast<EspMqtt*>(self);
  const esp_mqtt_event_t& event = *static_cast<esp_mqtt_event_handle_t>(data);
  // A client on its way out has nothing to say any more.
  if (event.client == mqtt.client_) mqtt.hear(event);
}
