#include "espalier/image_marker.h"

namespace espalier {

void MarkerSearch::add(const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    window_[at_] = bytes[i];
    at_ = at_ + 1 == sizeof window_ ? 0 : at_ + 1;
    if (window_[at_] == 'e') look();
  }
}

/** Is the window a marker? It is set straight first: once in some 50 bytes of code, and then mostly no further than its second letter. */
void MarkerSearch::look() {
  if (window_[(at_ + 1) % sizeof window_] != 's' || window_[(at_ + 2) % sizeof window_] != 'p') return;
  ImageMarker seen;
  uint8_t* const straight = reinterpret_cast<uint8_t*>(&seen);
  memcpy(straight, window_ + at_, sizeof window_ - at_);
  memcpy(straight + (sizeof window_ - at_), window_, at_);
  if (boardOf(seen).size == sizeof seen.board || versionOf(seen).size == sizeof seen.version) return;
  const ImageMarker same = imageMarker(boardOf(seen), versionOf(seen));
  if (memcmp(&same, &seen, sizeof seen) != 0) return;
  contradicted_ = contradicted_ || (found_ && memcmp(&seen, &marker_, sizeof seen) != 0);
  found_ = true;
  marker_ = seen;
}

}  // namespace espalier
