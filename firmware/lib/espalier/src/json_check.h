#pragma once
#include "espalier/text.h"

namespace espalier {

/** Is every byte part of a well-formed UTF-8 sequence (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF)? */
[[nodiscard]] bool isUtf8(Text text);

/** Is the text one JSON value (RFC 8259), and how deep does it nest? A BOM is none. `depth` is 1 for a flat object. */
[[nodiscard]] bool isJson(Text text, size_t& depth);

/** Behind a value of a text that is JSON; `from` is its first byte. */
[[nodiscard]] const char* behindValue(const char* from);
[[nodiscard]] const char* behindSpace(const char* from);

}  // namespace espalier
