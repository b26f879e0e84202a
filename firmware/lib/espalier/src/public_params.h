#pragma once
#include "espalier/inbox.h"

namespace espalier {

/** Params as a log may show them: those of a command that may carry a secret (the network's password in `configure`, the one-time token in
 *  an update's address) only as far as the contract names them and they are none. `out`: room for what must be written anew. */
[[nodiscard]] Text publicParams(const Command& command, char* out, size_t room);

}  // namespace espalier
