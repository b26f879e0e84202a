#pragma once
#include "driver/gpio.h"
#include "espalier/ports.h"

/** A relay, a pump, a valve on a pin. The pin floats until the first set(), and has its level before it becomes an output: no pulse at boot. */
class SwitchedOutput final : public espalier::Output {
 public:
  /** `onLevel`: 1, or 0 for boards whose relay pulls on a low level. */
  SwitchedOutput(espalier::Text name, gpio_num_t pin, uint32_t onLevel = 1) : name_(name), pin_(pin), onLevel_(onLevel) {}
  [[nodiscard]] espalier::Text name() override { return name_; }
  [[nodiscard]] bool set(double value) override {
    if (gpio_set_level(pin_, value >= 0.5 ? onLevel_ : 1 - onLevel_) != ESP_OK) return false;
    if (!driven_) driven_ = gpio_set_direction(pin_, GPIO_MODE_OUTPUT) == ESP_OK;
    return driven_;
  }

 private:
  espalier::Text name_;
  gpio_num_t pin_;
  uint32_t onLevel_;
  bool driven_ = false;
};
