#include "check.h"
#include "espalier/base64.h"
#include "espalier/crc32.h"

using espalier::Span;
using espalier::Text;

static const uint8_t* bytesOf(const char* text) { return reinterpret_cast<const uint8_t*>(text); }

static bool both(const char* plain, size_t size, Text coded) {
  char text[64];
  uint8_t bytes[48];
  size_t back = 0;
  if (espalier::encodeBase64(Span(bytesOf(plain), size), text, sizeof text) != coded.size) return false;
  if (!Text(text, coded.size).equals(coded)) return false;
  return espalier::decodeBase64(coded, bytes, sizeof bytes, back) && back == size && memcmp(bytes, plain, size) == 0;
}

static bool refused(Text coded) {
  uint8_t bytes[8];
  size_t size = 0;
  return !espalier::decodeBase64(coded, bytes, sizeof bytes, size);
}

static void testBase64(espalier::test::Check& check) {
  // The examples of RFC 4648.
  CHECK(both("", 0, ""));
  CHECK(both("f", 1, "Zg=="));
  CHECK(both("fo", 2, "Zm8="));
  CHECK(both("foo", 3, "Zm9v"));
  CHECK(both("foob", 4, "Zm9vYg=="));
  CHECK(both("foobar", 6, "Zm9vYmFy"));
  CHECK(both("\xff\xfe\xfd\xfb", 4, "//79+w=="));
  CHECK(refused("Zg"));
  CHECK(refused("Zg="));
  CHECK(refused("===="));
  CHECK(refused("Z==="));
  CHECK(refused("Zh=="));
  CHECK(refused("Zm9="));
  CHECK(refused("Zm9 "));
  CHECK(refused("Zm9vYg==Zm9v"));
  CHECK(refused("Zm9vZm9vZm9v"));
  char text[3];
  CHECK(espalier::encodeBase64(Span(bytesOf("f"), 1), text, sizeof text) == 0);
}

static void testCrc32(espalier::test::Check& check) {
  CHECK(espalier::crc32(Span()) == 0);
  CHECK(espalier::crc32(Span(bytesOf("123456789"), 9)) == 0xCBF43926U);
  CHECK(espalier::crc32(Span(bytesOf("56789"), 5), espalier::crc32(Span(bytesOf("1234"), 4))) == 0xCBF43926U);
}

static const espalier::test::Unit base64("base64", testBase64);
static const espalier::test::Unit crc("crc32", testCrc32);
