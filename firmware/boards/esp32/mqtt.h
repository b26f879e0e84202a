#pragma once
#include "espalier/settings.h"
#include "freertos/FreeRTOS.h"
#include "freertos/message_buffer.h"
#include "mqtt_client.h"

/** One esp_mqtt client a connection. Its events come in a task of its own with a small stack: they are copied into a message buffer there,
 *  without waiting, and told by poll() in ours. The only file that knows mqtt_client.h: IDF 6 takes that out of the tree. */
class EspMqtt final : public espalier::Mqtt {
 public:
  void begin();
  void connect(const espalier::MqttConnect& how) override;
  [[nodiscard]] bool subscribe(const espalier::Text* filters, size_t count) override;
  [[nodiscard]] int32_t publish(espalier::Text topic, espalier::Text payload, uint8_t qos, bool retain) override;
  /** Waits for the client's task: a second where the network is well, its time-out of ten where it is not. */
  void disconnect() override;
  /** Returns at once; the client ends in a task of its own. It says DISCONNECT where the line still carries it: esp_mqtt can't do without. */
  void abort() override;
  espalier::MqttEvent poll() override;
  /** Messages that found no room, for a person at the cable. */
  [[nodiscard]] uint32_t lost() const { return lost_; }

 private:
  struct Head {
    espalier::MqttEventKind kind = espalier::MqttEventKind::none;
    bool retained = false;
    bool duplicate = false;
    uint8_t topicSize = 0;
    uint16_t payloadSize = 0;
    int32_t id = 0;
    int32_t code = 0;
  };
  struct Frame {
    Head head;
    /** Topic, then payload. */
    char bytes[espalier::sizes::kTopicBytes + espalier::sizes::kInBytes] = {};
  };
  static constexpr size_t kRoom = sizeof(Frame) + 2048;
  /** Messages leave it free for what must not be lost: that the connection is there or over, and a PUBACK for each of eight own messages. */
  static constexpr size_t kReserve = 16 * (sizeof(Head) + sizeof(size_t));

  void open();
  [[nodiscard]] bool stalled() const;
  static void end(esp_mqtt_client_handle_t client);
  static void closer(void* self);
  static void onEvent(void* self, esp_event_base_t base, int32_t id, void* data);
  void hear(const esp_mqtt_event_t& event);
  void piece(const esp_mqtt_event_t& event);
  void tell(espalier::MqttEventKind kind, int32_t id, int32_t code);
  [[nodiscard]] bool post(const void* frame, size_t size, size_t reserve);

  esp_mqtt_client_handle_t volatile client_ = nullptr;
  esp_mqtt_client_handle_t volatile closing_ = nullptr;
  /** connect() was called; the client is made once the last one has ended. */
  bool waiting_ = false;
  /** From disconnect() or abort() to the next client: no event follows. */
  bool quiet_ = true;
  volatile bool connected_ = false;
  volatile uint32_t lost_ = 0;
  int32_t fault_ = 0;
  /** Own QoS 1 messages without PUBACK, and since when none came. */
  uint32_t unacknowledged_ = 0;
  int64_t quietSinceUs_ = 0;

  espalier::MqttConnect how_;
  /** Own copies: esp_mqtt keeps only the addresses of certificates, and an old client may still end while settings change. */
  char ca_[espalier::sizes::kPemBytes] = {};
  char certificate_[espalier::sizes::kPemBytes] = {};
  char key_[sizeof(espalier::BrokerSettings::key)] = {};

  MessageBufferHandle_t events_ = nullptr;
  StaticMessageBuffer_t eventsState_ = {};
  uint8_t eventsRoom_[kRoom + 1] = {};
  Frame in_ = {};
  Frame out_ = {};
  bool assembling_ = false;
};
