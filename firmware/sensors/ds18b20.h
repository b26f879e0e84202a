#pragma once
#include <math.h>

#include "espalier/ports.h"
// A library after the core: Arduino.h makes Serial a macro, and the core has a class of that name.
#include <DallasTemperature.h>
#include <OneWire.h>

/** DS18B20 on one wire, with a pull-up of 4.7 kΩ to 3.3 V. */
class Ds18b20 final : public espalier::Sensor {
 public:
  explicit Ds18b20(uint8_t pin, espalier::Text name = "temperature") : wire_(pin), bus_(&wire_) {
    channel_.name = name;
    channel_.unit = "°C";
    channel_.hasRange = true;
    channel_.min = -55;
    channel_.max = 125;
    channel_.decimals = 2;
  }
  void begin() override {
    bus_.begin();
    // Else the library would stand still for the 750 ms a conversion takes.
    bus_.setWaitForConversion(false);
  }
  [[nodiscard]] size_t channels(const espalier::Channel*& out) override {
    out = &channel_;
    return 1;
  }
  [[nodiscard]] uint32_t leadMs() override { return 750; }
  void prepare() override { bus_.requestTemperatures(); }
  void read(double* out) override {
    const float celsius = bus_.getTempCByIndex(0);
    // -127: nobody answers. 85: what it holds after power-on, before its first conversion. Neither is a temperature.
    const bool none = celsius <= -127 || (celsius > 84.99F && celsius < 85.01F);
    out[0] = static_cast<double>(none ? NAN : celsius);
  }

 private:
  OneWire wire_;
  DallasTemperature bus_;
  espalier::Channel channel_;
};
