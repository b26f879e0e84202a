#pragma once
#include <stdlib.h>
#include <string.h>

#include "espalier/ports.h"

/** What the harnesses share: the oracle's word, and an input that is read as choices. */
namespace espalier {
namespace fuzz {

/** A promise: where it does not hold, the fuzzer has found something. */
inline void must(bool holds) {
  if (!holds) abort();
}

/** The input, from its front. Beyond its end everything is 0. */
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  [[nodiscard]] size_t left() const { return left_; }
  uint8_t byte() { return left_ == 0 ? uint8_t{0} : *bytes(1).data; }
  uint16_t two() {
    const uint8_t low = byte();
    return static_cast<uint16_t>(low | byte() << 8);
  }
  /** As many as there are. */
  Span bytes(size_t wanted) {
    const Span taken(data_, wanted < left_ ? wanted : left_);
    data_ += taken.size;
    left_ -= taken.size;
    return taken;
  }
  Text text(size_t wanted) {
    const Span taken = bytes(wanted);
    return Text(reinterpret_cast<const char*>(taken.data), taken.size);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace fuzz
}  // namespace espalier
