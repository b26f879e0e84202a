#include "espalier/json_writer.h"

namespace espalier {

JsonWriter& JsonWriter::raw(Text text) {
  if (over_ || text.size > room_ - size_) {
    over_ = true;
    return *this;
  }
  if (text.size > 0) memcpy(out_ + size_, text.data, text.size);
  size_ += text.size;
  return *this;
}

JsonWriter& JsonWriter::string(Text text) {
  constexpr char kHex[] = "0123456789abcdef";
  raw("\"");
  for (size_t i = 0; i < text.size; i++) {
    const auto byte = static_cast<uint8_t>(text.data[i]);
    if (byte == '"' || byte == '\\') {
      raw("\\").raw(Text(text.data + i, 1));
    } else if (byte < 0x20) {
      const char escaped[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      raw(Text(escaped, sizeof escaped));
    } else {
      raw(Text(text.data + i, 1));
    }
  }
  return raw("\"");
}

JsonWriter& JsonWriter::whole(int64_t value) { return scaled(value, 0); }

JsonWriter& JsonWriter::scaled(int64_t value, uint8_t decimals) {
  // 19 digits of an int64, a point, a sign, a leading zero.
  char text[24];
  size_t at = sizeof text;
  uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  uint8_t fraction = decimals;
  while (fraction > 0 && rest % 10 == 0) {
    rest /= 10;
    fraction--;
  }
  for (uint8_t digit = 0; rest > 0 || digit <= fraction; digit++) {
    if (digit == fraction && fraction > 0) text[--at] = '.';
    text[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  if (value < 0) text[--at] = '-';
  return raw(Text(text + at, sizeof text - at));
}

JsonWriter& JsonWriter::boolean(bool value) { return value ? raw("true") : raw("false"); }

}  // namespace espalier
