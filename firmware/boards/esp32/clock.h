#pragma once
#include "espalier/ports.h"

/** Time since boot from the high-resolution timer, wall time from SNTP. */
class EspClock final : public espalier::Clock {
 public:
  /** After the network interface is there. Asks again every three hours by itself. */
  [[nodiscard]] bool begin();
  [[nodiscard]] uint64_t nowMs() override;
  [[nodiscard]] bool sntp(int64_t& unixMs) override;
};
