#pragma once
#include "espalier/ports.h"

/** A light on a pin, by PWM. GPIO 2 is the blue one of a DevKit v1; Espressif's own DevKitC has none. */
class PwmLed final : public espalier::Led {
 public:
  explicit PwmLed(uint8_t pin) : pin_(pin) {}
  [[nodiscard]] bool begin();
  void set(uint8_t brightness) override;

 private:
  uint8_t pin_;
};
