#include "json_check.h"

namespace espalier {
namespace {

bool isContinuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

/** Length of the sequence at `at`, 0 when it is not well-formed. */
size_t sequenceLength(const unsigned char* at, size_t left) {
  const unsigned char lead = at[0];
  if (lead < 0x80U) return 1;
  const size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U || left < length) return 0;
  for (size_t i = 1; i < length; i++)
    if (!isContinuation(at[i])) return 0;
  if (lead == 0xE0U && at[1] < 0xA0U) return 0;
  if (lead == 0xEDU && at[1] > 0x9FU) return 0;
  if (lead == 0xF0U && at[1] < 0x90U) return 0;
  if (lead == 0xF4U && at[1] > 0x8FU) return 0;
  return length;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/** Reads without recursion: what nests is remembered as one bit a level, and deeper than `kLevels` is only counted, which is enough
 *  to refuse it. A payload of brackets can't take the stack (esp32: 8 KiB). */
class Checker {
 public:
  explicit Checker(Text text) : at_(text.data), end_(text.data + text.size) {}

  bool run(size_t& depth) {
    space();
    if (!value()) return false;
    while (depth_ > 0) {
      space();
      if (at_ == end_ || !inside()) return false;
    }
    space();
    depth = deepest_;
    return at_ == end_;
  }

 private:
  static constexpr size_t kLevels = 64;
  enum class Expect : uint8_t { firstOrEnd, item, commaOrEnd };

  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) at_++;
  }

  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    at_++;
    return true;
  }

  bool word(Text wanted) {
    if (static_cast<size_t>(end_ - at_) < wanted.size || memcmp(at_, wanted.data, wanted.size) != 0) return false;
    at_ += wanted.size;
    return true;
  }

  bool value() {
    if (at_ == end_) return false;
    switch (*at_) {
      case '{':
      case '[':
        return open(*at_++ == '{');
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool open(bool object) {
    if (depth_ >= kLevels) return false;  // refused as too deep either way: the contract allows 8
    objects_[depth_] = object;
    depth_++;
    if (depth_ > deepest_) deepest_ = depth_;
    expect_ = Expect::firstOrEnd;
    return true;
  }

  /** One step inside the innermost object or array. */
  bool inside() {
    const bool object = objects_[depth_ - 1];
    if (expect_ != Expect::item && take(object ? '}' : ']')) {
      depth_--;
      expect_ = Expect::commaOrEnd;
      return true;
    }
    if (expect_ == Expect::commaOrEnd) {
      if (!take(',')) return false;
      expect_ = Expect::item;
      return true;
    }
    if (object) {
      if (!string()) return false;
      space();
      if (!take(':')) return false;
      space();
    }
    expect_ = Expect::commaOrEnd;
    return value();
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ != end_) {
      const char c = *at_++;
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20U) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c != 'u') return c != '\0' && strchr("\"\\/bfnrt", c) != nullptr;
    for (int i = 0; i < 4; i++)
      if (at_ == end_ || !isHex(*at_++)) return false;
    return true;
  }

  bool digits() {
    if (at_ == end_ || !isDigit(*at_)) return false;
    while (at_ != end_ && isDigit(*at_)) at_++;
    return true;
  }

  bool number() {
    (void)take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (at_ == end_ || (*at_ != 'e' && *at_ != 'E')) return true;
    at_++;
    if (!take('+')) (void)take('-');
    return digits();
  }

  const char* at_;
  const char* end_;
  size_t depth_ = 0;
  size_t deepest_ = 0;
  Expect expect_ = Expect::commaOrEnd;
  bool objects_[kLevels] = {};
};

const char* behindString(const char* from) {
  for (const char* at = from + 1;; at++) {
    if (*at == '\\') at++;
    else if (*at == '"') return at + 1;
  }
}

}  // namespace

bool isUtf8(Text text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data);
  for (size_t left = text.size; left > 0;) {
    const size_t length = sequenceLength(at, left);
    if (length == 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

bool isJson(Text text, size_t& depth) { return Checker(text).run(depth); }

static bool isSpace(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

const char* behindSpace(const char* from) {
  while (isSpace(*from)) from++;
  return from;
}

/** What may stand behind a number, true, false or null. */
static bool endsWord(char byte) { return byte == ',' || byte == ']' || byte == '}' || isSpace(byte); }

const char* behindValue(const char* from) {
  if (*from == '"') return behindString(from);
  if (*from != '{' && *from != '[') {
    while (!endsWord(*from)) from++;
    return from;
  }
  size_t open = 0;
  for (const char* at = from;;) {
    if (*at == '"') {
      at = behindString(at);
      continue;
    }
    if (*at == '{' || *at == '[') open++;
    if ((*at == '}' || *at == ']') && --open == 0) return at + 1;
    at++;
  }
}

}  // namespace espalier
