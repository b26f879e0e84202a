#include "espalier/json.h"

#include "espalier/contract.gen.h"
#include "json_check.h"

namespace espalier {
namespace {

uint32_t hexOf(const char* four) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    const char c = four[i];
    const uint32_t digit = static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    value = value * 16U + digit;
  }
  return value;
}

char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

bool isHigh(uint32_t unit) { return unit >= 0xD800U && unit <= 0xDBFFU; }
bool isLow(uint32_t unit) { return unit >= 0xDC00U && unit <= 0xDFFFU; }

/** Hands out the bytes of a string without escapes, one a call. */
class Bytes {
 public:
  explicit Bytes(Text quoted) : at_(quoted.data + 1), end_(quoted.data + quoted.size - 1) {}

  bool next(char& out) {
    if (sent_ < pending_) {
      out = utf8_[sent_++];
      return true;
    }
    if (at_ == end_) return false;
    if (*at_ != '\\') {
      out = *at_++;
      return true;
    }
    if (at_[1] != 'u') {
      out = unescaped(at_[1]);
      at_ += 2;
      return true;
    }
    encode(codePoint());
    return next(out);
  }

 private:
  /** Half a pair stands for nothing: U+FFFD takes its place. */
  uint32_t codePoint() {
    const uint32_t unit = hexOf(at_ + 2);
    at_ += 6;
    if (isHigh(unit) && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      const uint32_t low = hexOf(at_ + 2);
      if (isLow(low)) {
        at_ += 6;
        return 0x10000U + ((unit - 0xD800U) << 10U) + (low - 0xDC00U);
      }
    }
    return isHigh(unit) || isLow(unit) ? 0xFFFDU : unit;
  }

  void encode(uint32_t point) {
    sent_ = 0;
    if (point < 0x80U) {
      utf8_[0] = static_cast<char>(point);
      pending_ = 1;
      return;
    }
    pending_ = point < 0x800U ? 2 : point < 0x10000U ? 3 : 4;
    for (size_t i = pending_ - 1; i > 0; i--) {
      utf8_[i] = static_cast<char>(0x80U | (point & 0x3FU));
      point >>= 6U;
    }
    const uint32_t lead = pending_ == 2 ? 0xC0U : pending_ == 3 ? 0xE0U : 0xF0U;
    utf8_[0] = static_cast<char>(lead | point);
  }

  const char* at_;
  const char* end_;
  char utf8_[4] = {};
  size_t sent_ = 0;
  size_t pending_ = 0;
};

double powerOfTen(uint32_t exponent) {
  double power = 1;
  for (double base = 10; exponent > 0; exponent >>= 1U, base *= base)
    if ((exponent & 1U) != 0) power *= base;
  return power;
}

}  // namespace

JsonKind Json::kind() const {
  if (text_.size == 0) return JsonKind::absent;
  switch (text_.data[0]) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case 'n':
      return JsonKind::null;
    default:
      return JsonKind::number;
  }
}

bool Json::missing() const {
  const JsonKind is = kind();
  return is == JsonKind::absent || is == JsonKind::null;
}

bool Json::boolean() const { return text_.data[0] == 't'; }

double Json::number() const {
  const char* at = text_.data;
  const char* end = at + text_.size;
  const bool negative = *at == '-';
  if (negative) at++;
  uint64_t digits = 0;
  int32_t scale = 0;
  bool fraction = false;
  for (; at != end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    // Nineteen digits are more than a double holds; those behind only move the point.
    const bool room = digits < UINT64_MAX / 10 - 1;
    if (room) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    if (fraction == room) scale += fraction ? -1 : 1;
  }
  if (at != end) {
    at++;
    const bool down = *at == '-';
    if (*at == '-' || *at == '+') at++;
    int32_t exponent = 0;
    for (; at != end; at++)
      if (exponent < 10000) exponent = exponent * 10 + (*at - '0');
    scale += down ? -exponent : exponent;
  }
  const auto whole = static_cast<double>(digits);
  const double value = digits == 0  ? 0
                       : scale >= 0 ? whole * powerOfTen(static_cast<uint32_t>(scale))
                                    : whole / powerOfTen(static_cast<uint32_t>(-scale));
  return negative ? -value : value;
}

bool Json::whole(uint32_t most, uint32_t& out) const {
  if (!is(JsonKind::number)) return false;
  const double value = number();
  if (!(value >= 0) || value > static_cast<double>(most)) return false;
  out = static_cast<uint32_t>(value);
  return static_cast<double>(out) == value;
}

size_t Json::string(char* out, size_t room) const {
  size_t length = 0;
  char byte = 0;
  for (Bytes bytes(text_); bytes.next(byte); length++)
    if (length < room) out[length] = byte;
  return length;
}

bool Json::says(Text wanted) const {
  if (!is(JsonKind::string)) return false;
  size_t length = 0;
  char byte = 0;
  for (Bytes bytes(text_); bytes.next(byte); length++)
    if (length >= wanted.size || wanted.data[length] != byte) return false;
  return length == wanted.size;
}

size_t Json::characters() const {
  size_t units = 0;
  char byte = 0;
  for (Bytes bytes(text_); bytes.next(byte);) {
    const auto lead = static_cast<unsigned char>(byte);
    if ((lead & 0xC0U) != 0x80U) units += lead >= 0xF0U ? 2 : 1;
  }
  return units;
}

Json Json::member(Text name) const {
  Json found;
  if (!is(JsonKind::object)) return found;
  for (JsonWalk walk(*this); walk.next();)
    if (walk.name.says(name)) found = walk.value;
  return found;
}

JsonWalk::JsonWalk(Json container) : at_(container.raw().data + 1), object_(container.is(JsonKind::object)) {}

bool JsonWalk::next() {
  at_ = behindSpace(at_);
  if (*at_ == ',') at_ = behindSpace(at_ + 1);
  if (*at_ == '}' || *at_ == ']') return false;
  if (object_) {
    const char* end = behindValue(at_);
    name = Json(Text(at_, static_cast<size_t>(end - at_)));
    at_ = behindSpace(behindSpace(end) + 1);
  }
  const char* end = behindValue(at_);
  value = Json(Text(at_, static_cast<size_t>(end - at_)));
  at_ = end;
  return true;
}

JsonFault readObject(Text payload, size_t maxBytes, Json& out) {
  if (payload.size > maxBytes) return JsonFault::tooLarge;
  if (!isUtf8(payload)) return JsonFault::notUtf8;
  size_t depth = 0;
  if (!isJson(payload, depth)) return JsonFault::badJson;
  if (depth > contract::kDepth) return JsonFault::tooDeep;
  const char* start = behindSpace(payload.data);
  if (*start != '{') return JsonFault::notObject;
  out = Json(Text(start, static_cast<size_t>(behindValue(start) - start)));
  return JsonFault::none;
}

}  // namespace espalier
