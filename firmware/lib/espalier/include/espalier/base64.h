#pragma once
#include "espalier/ports.h"

namespace espalier {

/** Base64 with padding, no line breaks, as keys and signatures travel. False: it is none, or longer than `room`. */
[[nodiscard]] bool decodeBase64(Text text, uint8_t* out, size_t room, size_t& size);
/** Characters written; 0: no room for them. */
[[nodiscard]] size_t encodeBase64(Span bytes, char* out, size_t room);

}  // namespace espalier
