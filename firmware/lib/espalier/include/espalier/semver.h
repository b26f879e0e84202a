#pragma once
#include "espalier/text.h"

namespace espalier {

/** A version as semver.org 2.0.0 has it: 1.4.2, 1.5.0-rc.1, 1.4.2+build.7. */
[[nodiscard]] bool isSemver(Text version);
/** Of two that are: below 0 when `a` is the older one, 0 when neither is. What stands behind + does not count. */
[[nodiscard]] int compareSemver(Text a, Text b);

}  // namespace espalier
