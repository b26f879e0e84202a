#pragma once
#include "Arduino.h"
#include "WiFiClient.h"

#define MQTT_CONNECT_FAILED -2
#define MQTT_CONNECT_BAD_CREDENTIALS 4
#define MQTT_CONNECT_UNAUTHORIZED 5

// The first two connections fail, as they do.
class PubSubClient {
 public:
  explicit PubSubClient(WiFiClient &) {}
  PubSubClient &setServer(const char *host, uint16_t port) {
    std::printf("server %s %u\n", host, port);
    return *this;
  }
  bool setBufferSize(uint16_t size) {
    size_ = size;
    return true;
  }
  PubSubClient &setKeepAlive(uint16_t) { return *this; }
  bool connected() { return connected_; }
  bool loop() { return connected_; }
  int state() { return MQTT_CONNECT_FAILED; }
  bool connect(const char *id, const char *user, const char *password, const char *willTopic, uint8_t willQos, bool willRetain,
               const char *willMessage) {
    std::printf("connect %lu %s %s %s\n", millis(), id, user ? user : "-", password ? password : "-");
    connected_ = ++tries_ > 2;
    if (connected_) std::printf("will %d %d %s %s\n", willQos, willRetain, willTopic, willMessage);
    return connected_;
  }
  bool publish(const char *topic, const char *payload, bool retained = false) {
    if (std::strlen(topic) + std::strlen(payload) + 7 > size_) return false;
    std::printf("publish %d %s %s\n", retained, topic, payload);
    return true;
  }

 private:
  bool connected_ = false;
  int tries_ = 0;
  uint16_t size_ = 256;
};
