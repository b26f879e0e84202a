#pragma once
#include "power.h"

namespace espalier {
namespace host {

/** What one boot leaves to the next in the same process. */
struct Boot {
  int slot = -1;
  /** Changes of flash since the process began: --fault flash-cut counts them. */
  uint32_t changes = 0;
  uint64_t startedNs = 0;
  /** The pseudo-terminal's file, or -1; and the lock on the state. */
  int cable = -1;
  int lock = -1;
  bool restarted = false;
};

/** True: this process came out of start(), and `out` is what it was handed. */
[[nodiscard]] bool wasStarted(Boot& out);
/** The chip's power-on, or a reset: chooses the slot and becomes its image, under the same process id. Returns only on failure, saying why. */
[[nodiscard]] const char* start(const char* directory, Power& power, Boot boot, char** argv);
/** The image into the first slot, if it is another than the one that was put there last, as a person flashes a board by cable. */
[[nodiscard]] bool flashIfOther(const char* directory, const char* markerPath);

}  // namespace host
}  // namespace espalier
