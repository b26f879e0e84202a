#pragma once
#include <math.h>

#include "espalier/ports.h"
// A library after the core: Arduino.h makes Serial a macro, and the core has a class of that name.
#include <Adafruit_BME280.h>
#include <Wire.h>

/** BME280 on I²C (SDA 21, SCL 22): temperature, humidity and pressure. Address 0x76, or 0x77 where SDO is high. */
class Bme280 final : public espalier::Sensor {
 public:
  explicit Bme280(uint8_t address = 0x76) : address_(address) {}
  void begin() override { there_ = bme_.begin(address_, &Wire); }
  [[nodiscard]] size_t channels(const espalier::Channel*& out) override {
    static constexpr espalier::Channel kChannels[] = {
        {"temperature", "°C", true, -40, 85, 2}, {"humidity", "%", true, 0, 100, 2}, {"pressure", "hPa", true, 300, 1100, 2}};
    out = kChannels;
    return 3;
  }
  void read(double* out) override {
    // One that was plugged in later, or came back, is found again.
    if (!there_) begin();
    const float temperature = there_ ? bme_.readTemperature() : NAN;
    // It answers from a bus that hangs with all ones, which is no weather.
    there_ = !isnan(temperature) && temperature > -40 && temperature < 85;
    constexpr double none = static_cast<double>(NAN);
    out[0] = there_ ? static_cast<double>(temperature) : none;
    out[1] = there_ ? static_cast<double>(bme_.readHumidity()) : none;
    out[2] = there_ ? static_cast<double>(bme_.readPressure()) / 100 : none;
  }

 private:
  Adafruit_BME280 bme_;
  uint8_t address_;
  bool there_ = false;
};
