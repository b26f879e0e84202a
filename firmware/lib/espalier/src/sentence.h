#pragma once
#include "espalier/text.h"

namespace espalier {

/** The longest beginning of a text that fits and cuts no character in two. */
[[nodiscard]] inline Text beginning(Text text, size_t room) {
  if (text.size <= room) return text;
  size_t size = room;
  while (size > 0 && (static_cast<uint8_t>(text.data[size]) & 0xC0U) == 0x80U) size--;
  return Text(text.data, size);
}

/** A text put together of pieces for a person, NUL-terminated and cut at the room's end. */
class Sentence {
 public:
  Sentence(char* out, size_t room) : out_(out), room_(room - 1) { out_[0] = '\0'; }
  Sentence& say(Text text) {
    const Text fits = beginning(text, room_ - size_);
    if (fits.size > 0) memcpy(out_ + size_, fits.data, fits.size);
    size_ += fits.size;
    out_[size_] = '\0';
    // After a cut nothing more is said: a word in the middle would be missing.
    if (fits.size < text.size) room_ = size_;
    return *this;
  }

 private:
  char* out_;
  size_t room_;
  size_t size_ = 0;
};

}  // namespace espalier
