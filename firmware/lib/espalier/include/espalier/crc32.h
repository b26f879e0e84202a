#pragma once
#include "espalier/ports.h"

namespace espalier {

/** The CRC-32 of zlib, PNG and Ethernet. Goes on from `before`, so that pieces give the same as the whole. */
[[nodiscard]] uint32_t crc32(Span bytes, uint32_t before = 0);

}  // namespace espalier
