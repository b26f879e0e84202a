#pragma once
#include "WiFiClient.h"

struct WiFiClientSecure : WiFiClient {
  void setCACert(const char *) {}
  void setCertificate(const char *) {}
  void setPrivateKey(const char *) {}
};
