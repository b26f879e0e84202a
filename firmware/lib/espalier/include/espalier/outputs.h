#pragma once
#include "espalier/settings.h"

namespace espalier {

/** Relays and pumps: safe at boot, and when the broker was away for the configured time; pulses end by themselves. */
class Outputs {
 public:
  Outputs(Output* const* outputs, size_t count) : outputs_(outputs), count_(count < sizes::kOutputs ? count : sizes::kOutputs) {}
  void begin(const Configuration& configuration, uint64_t nowMs);
  void configure(const Configuration& configuration);

  enum class Set : uint8_t { done, unknownName, hardware };
  /** 0–1. Ends a pulse of this output. */
  [[nodiscard]] Set set(Text name, double value);
  /** On, and off after `ms`. */
  [[nodiscard]] Set pulse(Text name, uint32_t ms, uint64_t nowMs);
  [[nodiscard]] bool pulsing(Text name) const;

  void connected(bool connected, uint64_t nowMs);
  void step(uint64_t nowMs);

  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] Text name(size_t index) const { return outputs_[index]->name(); }
  /** Position of this name, count() where there is none. */
  [[nodiscard]] size_t find(Text name) const;
  /** What it was last set to. */
  [[nodiscard]] double value(size_t index) const { return values_[index]; }

 private:
  void toSafe();
  [[nodiscard]] bool put(size_t index, double value);

  Output* const* outputs_;
  size_t count_;
  double values_[sizes::kOutputs] = {};
  double safe_[sizes::kOutputs] = {};
  /** 0: no pulse. */
  uint64_t pulseEndsMs_[sizes::kOutputs] = {};
  /** Holds its safe value, put there as such: not asked of the hardware with every step. */
  bool safeNow_[sizes::kOutputs] = {};
  uint64_t awaySinceMs_ = 0;
  uint32_t safeAfterS_ = 0;
  bool away_ = true;
};

}  // namespace espalier
