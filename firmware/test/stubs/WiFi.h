#pragma once
#include "Arduino.h"

class Client {};
class WiFiClient : public Client {};
class WiFiClass {
 public:
  int begin(const char* ssid, const char* passphrase);
};
extern WiFiClass WiFi;
