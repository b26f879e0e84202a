#pragma once
#include "espalier/sizes.h"

namespace espalier {

constexpr int32_t kNoValue = INT32_MIN;

/** One reading, as taken. Its time and values never change once it was sent: live and backlog are encoded from this. */
struct Reading {
  uint32_t boot = 0;
  uint32_t seq = 0;
  /** Since boot, a multiple of kTickMs; what dates it. */
  uint64_t monoMs = 0;
  /** Unix ms; 0: not dated yet. */
  int64_t unixMs = 0;
  /** dBm; 0: none. */
  int8_t rssi = 0;
  uint8_t count = 0;
  /** In 10^-decimals of its column, or kNoValue. */
  int32_t values[sizes::kChannels] = {};

  [[nodiscard]] uint32_t uptimeS() const { return static_cast<uint32_t>(monoMs / 1000); }
};

/** Readings stand on a grid of so many ms. Within a boot, and from one setting of the clock to the next, times only grow and stand on the
 *  same of the grid's eight phases; each boot, and each clock that is set far back, takes the next phase. So no two readings of a node
 *  share a millisecond, unless eight boots long the clock went over the same minutes again and again. */
constexpr uint32_t kTickMs = 8;

/** How a value is called and scaled. */
struct Column {
  Text name;
  uint8_t decimals = 0;
};

}  // namespace espalier
