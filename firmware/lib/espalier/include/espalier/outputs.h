#pragma once
#include "espalier/settings.h"

namespace espalier {

/** Relays and pumps: safe at boot, and when the broker was away for the configured time; pulses end by themselves. And the light: set_led,
 *  identify over it, and what the node itself shows. */
class Outputs {
 public:
  Outputs(Output* const* outputs, size_t count, Led& led) : outputs_(outputs), count_(count), led_(led) {}
  void begin(const Configuration& configuration);
  enum class Set : uint8_t { done, unknownName, hardware };
  [[nodiscard]] Set set(Text name, double value, uint64_t nowMs);
  [[nodiscard]] Set pulse(Text name, uint32_t ms, uint64_t nowMs);
  void led(bool on, uint8_t brightness);
  void identify(double seconds, uint64_t nowMs);
  void connected(bool connected, uint64_t nowMs);
  void configure(const Configuration& configuration);
  void step(uint64_t nowMs);

 private:
  Output* const* outputs_;
  size_t count_;
  Led& led_;
};

}  // namespace espalier
