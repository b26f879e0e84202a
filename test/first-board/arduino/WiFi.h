#pragma once
#include "Arduino.h"

#define WIFI_STA 1
#define WL_CONNECTED 3

struct FakeWiFi {
  void mode(int) {}
  void setAutoReconnect(bool) {}
  void begin(const char *, const char *) {}
  int status() { return millis() > 500 ? WL_CONNECTED : 0; }
  int8_t RSSI() { return -61; }
};
inline FakeWiFi WiFi;
