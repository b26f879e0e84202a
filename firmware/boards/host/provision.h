#pragma once
#include "flags.h"

namespace espalier {
namespace host {

/** Writes the settings that the flags say into the node's flash, as `node flash` does for a board: only when they are others than the last
 *  time, so that what was learned since (configure, provision, factory reset) counts. False: `wrong` says what is. */
[[nodiscard]] bool provisionByFlags(const Flags& flags, Store& store, const std::string& markerPath, std::string& wrong);

}  // namespace host
}  // namespace espalier
