#pragma once
#include <stddef.h>
#include <stdint.h>

/** Numbers as the ring writes them: little-endian, or seven bits a byte with small differences of either sign first. */
namespace espalier {
namespace ring {

inline size_t putFixed(uint8_t* out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<uint8_t>(value >> (8 * i));
  return bytes;
}

inline uint64_t getFixed(const uint8_t* bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

/** At most ten bytes. */
inline size_t putVarint(uint8_t* out, uint64_t value) {
  size_t size = 0;
  for (; value > 0x7F; value >>= 7) out[size++] = static_cast<uint8_t>(0x80 | (value & 0x7F));
  out[size++] = static_cast<uint8_t>(value);
  return size;
}

/** 0, −1, 1, −2 … as 0, 1, 2, 3 … */
inline uint64_t folded(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ (value < 0 ? ~UINT64_C(0) : 0);
}

inline int64_t unfolded(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ ((value & 1) != 0 ? ~UINT64_C(0) : 0));
}

/** a − b and a + b round, as unsigned numbers do. */
inline int64_t difference(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); }
inline int64_t sum(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }

constexpr uint8_t kBootTag = 0x01;
constexpr uint8_t kAnchorTag = 0x02;
/** The low four bits count the values. */
constexpr uint8_t kReadingTag = 0x80;
constexpr uint8_t kDated = 0x40;
constexpr uint8_t kRssi = 0x20;
constexpr uint8_t kGap = 0x10;
constexpr size_t kCrcBytes = 4;
/** A reading at its longest with its boot, an anchor and a frame. */
constexpr size_t kRecordMost = 96;

}  // namespace ring
}  // namespace espalier
