#pragma once
#include "espalier/ports.h"

namespace espalier {

/** What of the ring outlives a reboot beside the readings: what is gone from its front, together with how many were dropped so, and the
 *  phase of the clock. Two copies in turn, so that a torn write leaves the one before. */
struct RingState {
  /** Settings of the clock so far: each boot is one. */
  uint32_t phase = 0;
  uint32_t dropped = 0;
  uint32_t droppedUndatable = 0;
  /** Segments up to this one are gone, and of the next one so many readings. */
  uint32_t goneSegments = 0;
  uint32_t goneReadings = 0;
  /** Up to this segment, readings without a time are counted. */
  uint32_t countedSegments = 0;
};

class RingStateFile {
 public:
  explicit RingStateFile(Store& store) : store_(store) {}
  /** False: there is none. */
  [[nodiscard]] bool load(RingState& out);
  [[nodiscard]] bool save(const RingState& state);

 private:
  Store& store_;
  uint32_t generation_ = 0;
};

}  // namespace espalier
