#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace espalier {

/** Bytes of somebody else's: neither owned nor NUL-terminated. */
struct Text {
  const char* data = nullptr;
  size_t size = 0;

  constexpr Text() = default;
  constexpr Text(const char* bytes, size_t length) : data(bytes), size(length) {}
  template <size_t kSize>
  constexpr Text(const char (&literal)[kSize]) : data(literal), size(kSize - 1) {}

  [[nodiscard]] bool equals(Text other) const {
    return size == other.size && (size == 0 || memcmp(data, other.data, size) == 0);
  }
};

}  // namespace espalier
