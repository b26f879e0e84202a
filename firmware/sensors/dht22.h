#pragma once
#include "espalier/ports.h"
// A library after the core: Arduino.h makes Serial a macro, and the core has a class of that name.
#include <DHT.h>

/** DHT22 (AM2302): temperature and humidity on one pin, with a pull-up of 10 kΩ to 3.3 V. Its answer is timed by counting, so one that comes
 *  while flash is written may fail: that reading is null. */
class Dht22 final : public espalier::Sensor {
 public:
  explicit Dht22(uint8_t pin) : dht_(pin, DHT22) {}
  void begin() override { dht_.begin(); }
  [[nodiscard]] size_t channels(const espalier::Channel*& out) override {
    static constexpr espalier::Channel kChannels[] = {{"temperature", "°C", true, -40, 80, 1}, {"humidity", "%", true, 0, 100, 1}};
    out = kChannels;
    return 2;
  }
  void read(double* out) override {
    // Both come from one measurement. The library takes none within two seconds of the last, as the sensor could not: it repeats that one.
    out[0] = static_cast<double>(dht_.readTemperature());
    out[1] = static_cast<double>(dht_.readHumidity());
  }

 private:
  DHT dht_;
};
