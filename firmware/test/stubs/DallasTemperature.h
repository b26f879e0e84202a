#pragma once
#include "Arduino.h"
#include "OneWire.h"

class DallasTemperature {
 public:
  struct request_t {
    bool result;
    unsigned long timestamp;
  };
  explicit DallasTemperature(OneWire* wire);
  void begin(void);
  void setWaitForConversion(bool wait);
  request_t requestTemperatures(void);
  float getTempCByIndex(uint8_t index);
};
