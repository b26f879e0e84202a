#pragma once
#include "espalier/ports.h"

namespace espalier {

/** The wall clock of this boot: SNTP, or until then the first timestamp of a non-retained iot/broker/status. A source that says a time
 *  before 2020 has none yet and is not heard. */
class WallClock {
 public:
  /** Unix ms at a monotonic time of this boot; false while no source has spoken. */
  [[nodiscard]] bool at(uint64_t monoMs, int64_t& unixMs) const;
  [[nodiscard]] bool known() const { return source_ != Source::none; }
  void fromSntp(int64_t unixMs, uint64_t nowMs);
  /** Ignored once there is any source. */
  void fromBroker(int64_t unixMs, uint64_t nowMs);

 private:
  enum class Source : uint8_t { none, broker, sntp };
  void set(Source source, int64_t unixMs, uint64_t nowMs);

  Source source_ = Source::none;
  /** Unix ms of the boot. */
  int64_t bootAtMs_ = 0;
};

}  // namespace espalier
