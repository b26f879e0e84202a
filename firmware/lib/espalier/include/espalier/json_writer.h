#pragma once
#include "espalier/text.h"

namespace espalier {

/** Writes JSON into a buffer of somebody's: no heap, no printf; once it did not fit, size() is 0. */
class JsonWriter {
 public:
  JsonWriter(char* out, size_t room) : out_(out), room_(room) {}
  JsonWriter& raw(Text text);
  JsonWriter& string(Text text);
  JsonWriter& whole(int64_t value);
  /** value / 10^decimals without trailing zeros: 225, 1 → 22.5. */
  JsonWriter& scaled(int64_t value, uint8_t decimals);
  /** Unix seconds from ms. */
  JsonWriter& seconds(int64_t unixMs) { return scaled(unixMs, 3); }
  JsonWriter& boolean(bool value);
  [[nodiscard]] size_t size() const { return over_ ? 0 : size_; }
  [[nodiscard]] Text text() const { return Text(out_, size()); }

 private:
  char* out_;
  size_t room_;
  size_t size_ = 0;
  bool over_ = false;
};

}  // namespace espalier
