#include "espalier/base64.h"

namespace espalier {
namespace {

constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** 64: no letter of it. */
uint32_t valueOf(char letter) {
  if (letter >= 'A' && letter <= 'Z') return static_cast<uint32_t>(letter - 'A');
  if (letter >= 'a' && letter <= 'z') return static_cast<uint32_t>(letter - 'a') + 26;
  if (letter >= '0' && letter <= '9') return static_cast<uint32_t>(letter - '0') + 52;
  return letter == '+' ? 62 : letter == '/' ? 63 : 64;
}

}  // namespace

bool decodeBase64(Text text, uint8_t* out, size_t room, size_t& size) {
  size = 0;
  if (text.size % 4 != 0) return false;
  size_t letters = text.size;
  for (int padding = 0; padding < 2 && letters > 0 && text.data[letters - 1] == '='; padding++) letters--;
  const size_t bytes = letters * 3 / 4;
  if (bytes > room) return false;
  uint32_t bits = 0;
  for (size_t i = 0; i < letters; i++) {
    const uint32_t value = valueOf(text.data[i]);
    if (value == 64) return false;
    bits = bits << 6U | value;
    const size_t place = i % 4;
    if (place > 0) out[i / 4 * 3 + place - 1] = static_cast<uint8_t>(bits >> (6U - 2U * place));
  }
  // What is left over of the last letter says nothing: it is zero, or the same bytes would have several texts.
  const uint32_t left = letters % 4 == 2 ? bits & 15U : letters % 4 == 3 ? bits & 3U : 0;
  if (left != 0) return false;
  size = bytes;
  return true;
}

size_t encodeBase64(Span bytes, char* out, size_t room) {
  const size_t size = (bytes.size + 2) / 3 * 4;
  if (size > room) return 0;
  for (size_t at = 0, i = 0; i < bytes.size; i += 3, at += 4) {
    const size_t rest = bytes.size - i;
    const uint32_t bits = static_cast<uint32_t>(bytes.data[i]) << 16U |
                          (rest > 1 ? static_cast<uint32_t>(bytes.data[i + 1]) << 8U : 0U) |
                          (rest > 2 ? static_cast<uint32_t>(bytes.data[i + 2]) : 0U);
    out[at] = kLetters[bits >> 18U];
    out[at + 1] = kLetters[bits >> 12U & 63U];
    out[at + 2] = rest > 1 ? kLetters[bits >> 6U & 63U] : '=';
    out[at + 3] = rest > 2 ? kLetters[bits & 63U] : '=';
  }
  return size;
}

}  // namespace espalier
