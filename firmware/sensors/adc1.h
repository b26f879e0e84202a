#pragma once
#include <math.h>

#include "espalier/ports.h"
// A library after the core: Arduino.h makes Serial a macro, and the core has a class of that name.
#include <Arduino.h>

/** A voltage on GPIO 32–39, and what it stands for: value = offset + volts × scale. Only these pins: Wi-Fi takes the other converter. 34–39
 *  are inputs without pull-ups. Up to 3.1 V; more harms the pin. */
class Adc1 final : public espalier::Sensor {
 public:
  struct Scale {
    double perVolt = 1;
    double offset = 0;
  };
  Adc1(uint8_t pin, const espalier::Channel& channel, Scale scale) : pin_(pin), channel_(channel), scale_(scale) {}
  void begin() override {}
  [[nodiscard]] size_t channels(const espalier::Channel*& out) override {
    out = &channel_;
    return 1;
  }
  void read(double* out) override {
    out[0] = NAN;
    if (pin_ < 32 || pin_ > 39) return;
    // Calibrated by what the factory burnt into the chip. Sixteen of them: the converter is noisy.
    uint32_t millivolts = 0;
    for (int i = 0; i < 16; i++) millivolts += analogReadMilliVolts(pin_);
    const double value = scale_.offset + static_cast<double>(millivolts) / 16000 * scale_.perVolt;
    if (!channel_.hasRange || (value >= channel_.min && value <= channel_.max)) out[0] = value;
  }

 private:
  uint8_t pin_;
  espalier::Channel channel_;
  Scale scale_;
};
