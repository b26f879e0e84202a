#pragma once
#include "Arduino.h"
#include "WiFi.h"

class PubSubClient {
 public:
  PubSubClient(const char* host, uint16_t port, Client& client);
  bool connect(const char* id, const char* user, const char* password);
  bool publish(const char* topic, const char* payload);
  bool loop();
};
