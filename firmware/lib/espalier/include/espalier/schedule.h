#pragma once
#include "espalier/ports.h"

namespace espalier {

/** When readings are taken. The first comes at a random time within the first interval (a thousand boards after one power cut don't speak
 *  at once), the others keep its beat however late a step comes. Slow sensors are told to prepare ahead. */
class Schedule {
 public:
  Schedule(Sensor* const* sensors, size_t count) : sensors_(sensors), count_(count < sizes::kSensors ? count : sizes::kSensors) {}
  /** `random`: any. */
  void begin(uint32_t intervalMs, uint32_t random, uint64_t nowMs);
  /** 100 ms to 86,400 s, and not less than the slowest sensor takes; counted from the last reading. */
  void setInterval(uint32_t intervalMs, uint64_t nowMs);
  /** What it came to. */
  [[nodiscard]] uint32_t intervalMs() const { return intervalMs_; }

  /** `beat`: take a reading now. `extra`: take the one that was asked for beside the beat. */
  enum class Due : uint8_t { nothing, beat, extra };
  [[nodiscard]] Due step(uint64_t nowMs);
  /** Asks for one reading beside the beat, as soon as the sensors can. */
  void ask(uint64_t nowMs);

 private:
  [[nodiscard]] uint32_t bounded(uint32_t intervalMs) const;
  void prepare(uint64_t dueMs, uint64_t nowMs);
  void taken();

  Sensor* const* sensors_;
  size_t count_;
  uint32_t intervalMs_ = 0;
  uint32_t slowestMs_ = 0;
  uint64_t lastMs_ = 0;
  uint64_t nextMs_ = 0;
  /** 0: none was asked for. */
  uint64_t extraMs_ = 0;
  bool prepared_[sizes::kSensors] = {};
};

}  // namespace espalier
