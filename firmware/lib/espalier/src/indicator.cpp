#include "espalier/indicator.h"

namespace espalier {
namespace {

/** Four times a second on and off: quick enough to stand out among steady and breathing lights, and below what flickers. */
constexpr uint32_t kHalfPeriodMs = 125;
constexpr uint8_t kBright = 255;

}  // namespace

void Indicator::begin() {
  brightness_ = 0;
  blinkUntilMs_ = 0;
  shown_ = 0;
  led_.set(0);
}

void Indicator::set(uint8_t brightness, uint64_t nowMs) {
  brightness_ = brightness;
  step(nowMs);
}

void Indicator::identify(uint32_t ms, uint64_t nowMs) {
  if (blinkUntilMs_ == 0) blinkSinceMs_ = nowMs;
  if (nowMs + ms > blinkUntilMs_) blinkUntilMs_ = nowMs + ms;
  step(nowMs);
}

void Indicator::step(uint64_t nowMs) {
  if (blinkUntilMs_ != 0 && nowMs >= blinkUntilMs_) blinkUntilMs_ = 0;
  if (blinkUntilMs_ == 0) return show(brightness_);
  show((nowMs - blinkSinceMs_) / kHalfPeriodMs % 2 == 0 ? kBright : 0);
}

void Indicator::show(uint8_t brightness) {
  if (brightness == shown_) return;
  shown_ = brightness;
  led_.set(brightness);
}

}  // namespace espalier
