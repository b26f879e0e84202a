#pragma once
#include "espalier/ports.h"

namespace espalier {

/** The light a person looks at: what set_led set, and identify blinking over it, then back to what was set. */
class Indicator {
 public:
  explicit Indicator(Led& led) : led_(led) {}
  /** Off. */
  void begin();
  /** 0: off. */
  void set(uint8_t brightness, uint64_t nowMs);
  /** 0: off. */
  [[nodiscard]] uint8_t brightness() const { return brightness_; }
  /** Blinks for so long from now; one that blinks already does not end sooner. */
  void identify(uint32_t ms, uint64_t nowMs);
  [[nodiscard]] bool identifying() const { return blinkUntilMs_ != 0; }
  void step(uint64_t nowMs);

 private:
  void show(uint8_t brightness);

  Led& led_;
  uint64_t blinkSinceMs_ = 0;
  /** 0: does not. */
  uint64_t blinkUntilMs_ = 0;
  uint8_t brightness_ = 0;
  uint8_t shown_ = 0;
};

}  // namespace espalier
