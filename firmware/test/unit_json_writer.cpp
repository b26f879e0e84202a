#include "check.h"
#include "espalier/json_writer.h"

using espalier::JsonWriter;
using espalier::Text;

static bool scaled(int64_t value, uint8_t decimals, Text wanted) {
  char out[32];
  return JsonWriter(out, sizeof out).scaled(value, decimals).text().equals(wanted);
}

static bool quoted(Text text, Text wanted) {
  char out[64];
  return JsonWriter(out, sizeof out).string(text).text().equals(wanted);
}

static void testJsonWriter(espalier::test::Check& check) {
  CHECK(scaled(0, 0, "0"));
  CHECK(scaled(0, 6, "0"));
  CHECK(scaled(225, 1, "22.5"));
  CHECK(scaled(2250, 2, "22.5"));
  CHECK(scaled(-5, 3, "-0.005"));
  CHECK(scaled(100, 2, "1"));
  CHECK(scaled(1704844800123, 3, "1704844800.123"));
  CHECK(scaled(INT64_MIN, 6, "-9223372036854.775808"));
  CHECK(quoted("a\"\\\n\x01", "\"a\\\"\\\\\\u000a\\u0001\""));
  CHECK(quoted("°C", "\"°C\""));

  char small[4];
  JsonWriter over(small, sizeof small);
  over.raw("abcd");
  CHECK(over.size() == 4);
  over.raw("e");
  CHECK(over.size() == 0);
  over.raw("");
  CHECK(over.size() == 0);
}

static const espalier::test::Unit unit("json_writer", testJsonWriter);
