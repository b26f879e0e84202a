#include "espalier/wall_clock.h"

namespace espalier {
namespace {

/** Nobody ever sends 1970, nor milliseconds where seconds are meant: what is outside is no time of a boot. */
constexpr int64_t kLeastMs = static_cast<int64_t>(contract::kOldestTimestampS) * 1000;
constexpr int64_t kMostMs = INT64_C(99999999999999);

}  // namespace

bool WallClock::at(uint64_t monoMs, int64_t& unixMs) const {
  if (!known() || monoMs > static_cast<uint64_t>(kMostMs - bootAtMs_)) return false;
  unixMs = bootAtMs_ + static_cast<int64_t>(monoMs);
  return true;
}

void WallClock::fromSntp(int64_t unixMs, uint64_t nowMs) { set(Source::sntp, unixMs, nowMs); }

void WallClock::fromBroker(int64_t unixMs, uint64_t nowMs) {
  if (!known()) set(Source::broker, unixMs, nowMs);
}

void WallClock::set(Source source, int64_t unixMs, uint64_t nowMs) {
  if (unixMs < kLeastMs || unixMs > kMostMs || nowMs > static_cast<uint64_t>(unixMs - kLeastMs)) return;
  source_ = source;
  bootAtMs_ = unixMs - static_cast<int64_t>(nowMs);
}

}  // namespace espalier
