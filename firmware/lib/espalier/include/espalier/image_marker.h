#pragma once
#include "espalier/text.h"

namespace espalier {

/** What an image says of itself, somewhere inside it, in 96 bytes: the updater and the manager find it by its first words and believe it by
 *  its CRC. A board's main.cpp defines one,
 *
 *    extern const espalier::ImageMarker kImage __attribute__((used)) = espalier::imageMarker("esp32dev", "1.4.2");
 *
 *  and takes board and version of its Build from it, so that an image can't be anything else than it says. */
struct ImageMarker {
  /** `espalier-image/1`. */
  char magic[16];
  /** Up to 31 bytes, zeros behind them. */
  char board[32];
  /** Up to 43 bytes, zeros behind them: SemVer. */
  char version[44];
  /** CRC-32 of the 92 bytes above, lowest byte first. */
  uint8_t crc[4];
};
static_assert(sizeof(ImageMarker) == 96, "as it stands in images");

/** crc32.h's, bit by bit: the compiler works it out. */
template <size_t kSize>
constexpr uint32_t markerCrc(const char (&bytes)[kSize], uint32_t before) {
  uint32_t crc = ~before;
  for (size_t i = 0; i < kSize; i++) {
    crc ^= static_cast<uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/** Of literals: what is too long does not compile. */
constexpr ImageMarker imageMarker(Text board, Text version) {
  ImageMarker marker = {};
  constexpr Text kMagic = "espalier-image/1";
  for (size_t i = 0; i < sizeof marker.magic; i++) marker.magic[i] = kMagic.data[i];
  for (size_t i = 0; i < board.size; i++) marker.board[i < sizeof marker.board - 1 ? i : sizeof marker] = board.data[i];
  for (size_t i = 0; i < version.size; i++) marker.version[i < sizeof marker.version - 1 ? i : sizeof marker] = version.data[i];
  const uint32_t crc = markerCrc(marker.version, markerCrc(marker.board, markerCrc(marker.magic, 0)));
  for (size_t i = 0; i < 4; i++) marker.crc[i] = static_cast<uint8_t>(crc >> (8 * i));
  return marker;
}

[[nodiscard]] constexpr Text boardOf(const ImageMarker& marker) {
  size_t size = 0;
  while (size < sizeof marker.board && marker.board[size] != '\0') size++;
  return Text(marker.board, size);
}
[[nodiscard]] constexpr Text versionOf(const ImageMarker& marker) {
  size_t size = 0;
  while (size < sizeof marker.version && marker.version[size] != '\0') size++;
  return Text(marker.version, size);
}

/** Looks for the marker in an image that comes by in pieces of any size. */
class MarkerSearch {
 public:
  void begin() { *this = MarkerSearch(); }
  void add(const uint8_t* bytes, size_t size);
  /** One was there; none of another board or version was. */
  [[nodiscard]] bool found() const { return found_ && !contradicted_; }
  /** Valid when found(). */
  [[nodiscard]] const ImageMarker& marker() const { return marker_; }

 private:
  void look();
  /** The last 96 bytes, the oldest at `at_`. */
  uint8_t window_[sizeof(ImageMarker)] = {};
  ImageMarker marker_ = {};
  size_t at_ = 0;
  bool found_ = false;
  bool contradicted_ = false;
};

}  // namespace espalier
