#include "led.h"

#include "esp32-hal-ledc.h"

namespace {

constexpr uint32_t kFrequencyHz = 5000;
constexpr uint8_t kBits = 8;

}  // namespace

bool PwmLed::begin() { return ledcAttach(pin_, kFrequencyHz, kBits); }

void PwmLed::set(uint8_t brightness) { (void)ledcWrite(pin_, brightness); }
