#pragma once
#include "espalier/ports.h"

namespace espalier {
namespace host {

/** The machine's clocks, or others: started at another time, faster, without SNTP. A clock that started in the past and runs faster does so
 *  until it reaches the machine's, then it goes with it: no reading is ever dated into the future. */
class HostClock final : public Clock {
 public:
  struct Options {
    double rate = 1;
    bool hasStart = false;
    /** Unix ms at which the process started. */
    double startMs = 0;
    bool sntp = true;
  };
  /** `startedNs`: CLOCK_MONOTONIC when the process was started; a reboot changes nothing of the wall clock. */
  HostClock(const Options& options, uint64_t startedNs);
  [[nodiscard]] uint64_t nowMs() override;
  [[nodiscard]] bool sntp(int64_t& unixMs) override;
  /** What is witnessed (exec log) has a time in any case. */
  [[nodiscard]] int64_t unixMs();
  /** As fast as it runs now. */
  [[nodiscard]] double rate();

  [[nodiscard]] static uint64_t monotonicNs();

 private:
  /** Accelerated ms since the process began. */
  [[nodiscard]] double elapsedMs(uint64_t ns) const;

  Options options_;
  uint64_t startedNs_;
  /** Of this boot. */
  uint64_t bootNs_;
  /** Unix ms of the machine when the process began. */
  double realStartMs_;
  /** From so much real ms after the start on it runs at the machine's pace. */
  double paceMs_;
};

}  // namespace host
}  // namespace espalier
