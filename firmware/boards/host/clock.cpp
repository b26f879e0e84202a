#include "clock.h"

#include <time.h>

namespace espalier {
namespace host {
namespace {

uint64_t readNs(clockid_t which) {
  timespec now = {};
  clock_gettime(which, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000U + static_cast<uint64_t>(now.tv_nsec);
}

constexpr double kNever = 1e18;

}  // namespace

uint64_t HostClock::monotonicNs() { return readNs(CLOCK_MONOTONIC); }

HostClock::HostClock(const Options& options, uint64_t startedNs) : options_(options), startedNs_(startedNs), bootNs_(monotonicNs()), paceMs_(kNever) {
  realStartMs_ = static_cast<double>(readNs(CLOCK_REALTIME)) / 1e6 - static_cast<double>(bootNs_ - startedNs_) / 1e6;
  if (!options_.hasStart) options_.startMs = realStartMs_;
  const double behindMs = realStartMs_ - options_.startMs;
  if (options_.rate > 1 && behindMs > 0) paceMs_ = behindMs / (options_.rate - 1);
}

double HostClock::elapsedMs(uint64_t ns) const {
  const double real = static_cast<double>(ns - startedNs_) / 1e6;
  return real < paceMs_ ? real * options_.rate : paceMs_ * options_.rate + (real - paceMs_);
}

uint64_t HostClock::nowMs() { return static_cast<uint64_t>(elapsedMs(monotonicNs()) - elapsedMs(bootNs_)); }

int64_t HostClock::unixMs() { return static_cast<int64_t>(options_.startMs + elapsedMs(monotonicNs())); }

bool HostClock::sntp(int64_t& out) {
  if (!options_.sntp) return false;
  out = unixMs();
  return true;
}

double HostClock::rate() { return static_cast<double>(monotonicNs() - startedNs_) / 1e6 < paceMs_ ? options_.rate : 1; }

}  // namespace host
}  // namespace espalier
