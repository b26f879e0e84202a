#include "check.h"
#include "espalier/console.h"

using espalier::SerialConsole;
using espalier::SerialRequest;
using espalier::SerialStatus;
using espalier::Span;
using espalier::Text;
using Kind = espalier::SerialRequest::Kind;

namespace {

/** Both ends of a cable. */
class Wire final : public espalier::Serial {
 public:
  size_t read(uint8_t* into, size_t room) override {
    size_t got = 0;
    while (got < room && at_ < inSize_) into[got++] = in_[at_++];
    return got;
  }
  void write(Span bytes) override {
    if (bytes.size > sizeof out - size) return;
    if (bytes.size > 0) memcpy(out + size, bytes.data, bytes.size);
    size += bytes.size;
  }
  void type(Text text) { put(text.data, text.size); }
  void put(const void* bytes, size_t count) {
    if (at_ == inSize_) at_ = inSize_ = 0;
    memcpy(in_ + inSize_, bytes, count);
    inSize_ += count;
  }
  void frame(uint8_t type, Text data, uint8_t error = 0) {
    uint8_t bytes[300] = {'I', 'M', 'P', 'R', 'O', 'V', 1, type, static_cast<uint8_t>(data.size)};
    memcpy(bytes + 9, data.data, data.size);
    uint8_t sum = error;
    for (size_t i = 0; i < 9 + data.size; i++) sum = static_cast<uint8_t>(sum + bytes[i]);
    bytes[9 + data.size] = sum;
    put(bytes, 10 + data.size);
  }
  /** Takes what was written; was it this? */
  bool said(Text wanted) {
    const bool same = Text(reinterpret_cast<const char*>(out), size).equals(wanted);
    size = 0;
    return same;
  }
  /** A frame of this type and data in front of what was written; takes it. */
  bool framed(uint8_t type, Text data) {
    uint8_t sum = 0;
    if (size < 11 + data.size || memcmp(out, "IMPROV\x01", 7) != 0 || out[7] != type || out[8] != data.size) return false;
    if (memcmp(out + 9, data.data, data.size) != 0) return false;
    for (size_t i = 0; i < 9 + data.size; i++) sum = static_cast<uint8_t>(sum + out[i]);
    if (out[9 + data.size] != sum || out[10 + data.size] != '\n') return false;
    size -= 11 + data.size;
    memmove(out, out + 11 + data.size, size);
    return true;
  }

  uint8_t out[4096];
  size_t size = 0;

 private:
  uint8_t in_[8192];
  size_t inSize_ = 0;
  size_t at_ = 0;
};

const espalier::Build build = {"esp32dev", "1.2.3", false};

}  // namespace

static void testLines(espalier::test::Check& check) {
  static Wire wire;
  static char lent[SerialConsole::kLineBytes];
  static SerialConsole console(wire, build, lent);
  CHECK(console.poll(0).kind == Kind::none);
  wire.type("{\"status\":tr");
  CHECK(console.poll(1).kind == Kind::none);
  wire.type("ue}\r\n");
  CHECK(console.poll(2).kind == Kind::status);
  CHECK(console.poll(3).kind == Kind::none);
  SerialStatus status;
  status.state = "waiting";
  console.status(status);
  CHECK(wire.said("{\"ok\":true,\"status\":{\"id\":null,\"state\":\"waiting\",\"board\":\"esp32dev\",\"version\":\"1.2.3\"}}\n"));
  status.id = "01";
  status.state = "broker";
  status.broker = "pi.local:8883";
  status.address = "192.168.1.7";
  status.trying = true;
  status.trouble = "refused: user or password";
  console.status(status);
  CHECK(wire.said("{\"ok\":true,\"status\":{\"id\":\"01\",\"state\":\"broker\",\"board\":\"esp32dev\",\"version\":\"1.2.3\",\"broker\":\"pi.local:8883\","
                  "\"ip\":\"192.168.1.7\",\"trying\":true,\"trouble\":\"refused: user or password\"}}\n"));

  // Two in one go are two requests; the document of the first is there until the next poll.
  wire.type("{\"provision\":{\"id\":\"01\",\"broker\":{\"password\":\"secret\"}}}\n{\"factory_reset\":true}\n");
  const SerialRequest request = console.poll(10);
  CHECK(request.kind == Kind::provision);
  CHECK(request.document.equals("{\"id\":\"01\",\"broker\":{\"password\":\"secret\"}}"));
  CHECK(wire.size == 0);
  const char* where = request.document.data;
  CHECK(console.poll(11).kind == Kind::factoryReset);
  CHECK(memcmp(where + 20, "\"password\":\"secret\"", 10) != 0);
  console.answer(true, "", "");
  CHECK(wire.said("{\"ok\":true}\n"));
  console.refuse(espalier::SettingsFault::badJson);
  CHECK(wire.said("{\"ok\":false,\"error\":\"bad_json\",\"detail\":\"this is no JSON object\"}\n"));

  // Bad lines are answered without a word of what they said; noise, and what comes back as an echo, not at all.
  wire.type("{\"provision\":{\"password\":\"secret\"}\n");
  CHECK(console.poll(20).kind == Kind::none);
  CHECK(wire.size > 0 && memcmp(wire.out, "{\"ok\":false,\"error\":\"bad_json\"", 30) == 0);
  for (size_t i = 0; i + 6 <= wire.size; i++) CHECK(memcmp(wire.out + i, "secret", 6) != 0);
  wire.size = 0;
  constexpr Text kUnknown[] = {"{\"provision\":\"x\"}\n", "{\"status\":false}\n", "{}\n"};
  for (const Text line : kUnknown) {
    wire.type(line);
    CHECK(console.poll(21).kind == Kind::none);
    CHECK(wire.size > 0 && memcmp(wire.out, "{\"ok\":false,\"error\":\"unknown_request\"", 36) == 0);
    wire.size = 0;
  }
  constexpr Text kNoise[] = {"ets Jun  8 2016 {\"status\":true}\r\n", "\xFF\xFE\n", "\n\n", "{\"ok\":false,\"error\":\"x\"}\n"};
  for (const Text line : kNoise) {
    wire.type(line);
    CHECK(console.poll(22).kind == Kind::none);
    CHECK(wire.size == 0);
  }
  wire.type("  {\"status\":true}\n");
  CHECK(console.poll(23).kind == Kind::status);
}

static void testLineBounds(espalier::test::Check& check) {
  static Wire wire;
  static char lent[SerialConsole::kLineBytes];
  static SerialConsole console(wire, build, lent);
  static char many[espalier::sizes::kSettingsBytes + 40];
  constexpr Text kFront = "{\"provision\":{";
  constexpr Text kBack = "}}\n";
  memset(many, ' ', sizeof many);
  memcpy(many, kFront.data, kFront.size);
  // The largest document there is, with its two braces.
  const size_t size = kFront.size + espalier::sizes::kSettingsBytes - 2;
  memcpy(many + size, kBack.data, kBack.size);
  wire.put(many, size + kBack.size);
  const SerialRequest request = console.poll(0);
  CHECK(request.kind == Kind::provision && request.document.size == espalier::sizes::kSettingsBytes);
  memset(many + size, ' ', kBack.size);
  many[sizeof many - 1] = '\n';
  many[sizeof many - 2] = '}';
  wire.put(many, sizeof many);
  CHECK(console.poll(1).kind == Kind::none);
  CHECK(wire.size > 0 && memcmp(wire.out, "{\"ok\":false,\"error\":\"too_long\"", 30) == 0);
  wire.size = 0;

  // Half a line is forgotten in time, and not before.
  wire.type("{\"status\"");
  CHECK(console.poll(100).kind == Kind::none);
  CHECK(console.poll(100 + SerialConsole::kLineMs).kind == Kind::none);
  wire.type(":true}\n");
  CHECK(console.poll(200 + SerialConsole::kLineMs).kind == Kind::none);
  CHECK(wire.size == 0);
  wire.type("{\"status\"");
  CHECK(console.poll(20000).kind == Kind::none);
  wire.type(":true}\n");
  CHECK(console.poll(20000 + SerialConsole::kLineMs).kind == Kind::status);
}

static void testImprov(espalier::test::Check& check) {
  static Wire wire;
  static char lent[SerialConsole::kLineBytes];
  static SerialConsole console(wire, build, lent);
  // Nobody spoke Improv: no frame is written.
  console.introduce("01");
  console.provisioned(false, "");
  console.connectFailed();
  CHECK(wire.size == 0);
  wire.frame(3, Text("\x02\x00", 2));
  CHECK(console.poll(0).kind == Kind::none);
  CHECK(wire.framed(1, Text("\x02", 1)) && wire.size == 0);
  // In the middle of noise, and in front of a line.
  wire.type("rst:0x1 IMPROVIMP");
  wire.frame(3, Text("\x03\x00", 2));
  wire.type("{\"status\":true}\n");
  CHECK(console.poll(1).kind == Kind::status);
  CHECK(wire.framed(4, Text("\x03\x1B\x08" "espalier" "\x05" "1.2.3" "\x08" "esp32dev" "\x02" "01", 29)) && wire.size == 0);
  wire.frame(3, Text("\x04\x00", 2));
  CHECK(console.poll(2).kind == Kind::none);
  CHECK(wire.framed(4, Text("\x04\x00", 2)) && wire.size == 0);
  for (uint8_t command = 5; command < 9; command++) {
    const char data[2] = {static_cast<char>(command), 0};
    wire.frame(3, Text(data, 2));
    CHECK(console.poll(3).kind == Kind::none);
    CHECK(wire.framed(2, Text("\x02", 1)) && wire.size == 0);
  }
  // A wrong sum, a wrong length, too short a payload.
  wire.frame(3, Text("\x02\x00", 2), 1);
  wire.frame(3, Text("\x02\x01", 2));
  wire.frame(3, Text("\x02", 1));
  wire.frame(3, Text("\x01\x03\x02" "ab", 5));
  wire.frame(3, Text("\x01\x02\x00\x00", 4));
  CHECK(console.poll(4).kind == Kind::none);
  for (int i = 0; i < 5; i++) CHECK(wire.framed(2, Text("\x01", 1)));
  CHECK(wire.size == 0);
  // Our own frames that come back.
  wire.frame(1, Text("\x02", 1));
  CHECK(console.poll(5).kind == Kind::none && wire.size == 0);

  wire.frame(3, Text("\x01\x11\x07" "gar\"den" "\x08" "password", 19));
  const SerialRequest request = console.poll(10);
  CHECK(request.kind == Kind::improvWifi);
  CHECK(request.document.equals("{\"wifi\":{\"ssid\":\"gar\\\"den\",\"password\":\"password\"}}"));
  CHECK(wire.framed(2, Text("\x00", 1)) && wire.framed(1, Text("\x03", 1)) && wire.size == 0);
  static espalier::Settings settings;
  CHECK(espalier::readSettings(request.document, settings) == espalier::SettingsFault::none && !settings.complete());
  console.connectFailed();
  CHECK(wire.framed(2, Text("\x03", 1)) && wire.framed(1, Text("\x02", 1)) && wire.size == 0);
  console.connectFailed();
  CHECK(wire.size == 0);
  wire.frame(3, Text("\x01\x05\x04" "cafe" "\x00", 7));
  const SerialRequest open = console.poll(11);
  CHECK(open.kind == Kind::none);
  CHECK(wire.framed(2, Text("\x01", 1)));
  wire.frame(3, Text("\x01\x06\x04" "cafe" "\x00", 8));
  CHECK(console.poll(12).document.equals("{\"wifi\":{\"ssid\":\"cafe\",\"password\":\"\"}}"));
  wire.size = 0;
  console.provisioned(true, "http://pi");
  CHECK(wire.framed(1, Text("\x04", 1)) && wire.framed(4, Text("\x01\x0A\x09" "http://pi", 12)) && wire.size == 0);
  console.provisioned(true, "http://pi");
  CHECK(wire.size == 0);
  wire.frame(3, Text("\x02\x00", 2));
  CHECK(console.poll(13).kind == Kind::none);
  CHECK(wire.framed(1, Text("\x04", 1)) && wire.framed(4, Text("\x02\x0A\x09" "http://pi", 12)) && wire.size == 0);

  // Half a frame is forgotten, so that what comes next is read.
  wire.type("IMPROV\x01\x03");
  CHECK(console.poll(100).kind == Kind::none);
  CHECK(console.poll(101 + SerialConsole::kFrameMs).kind == Kind::none);
  wire.type("{\"status\":true}\n");
  CHECK(console.poll(102 + SerialConsole::kFrameMs).kind == Kind::status);
}

/** Whatever comes over the cable: it ends, and the next good line is heard. */
static void testNoise(espalier::test::Check& check) {
  static Wire wire;
  static char lent[SerialConsole::kLineBytes];
  static SerialConsole console(wire, build, lent);
  uint32_t noise = 1;
  for (int round = 0; round < 2000; round++) {
    uint8_t bytes[64];
    for (uint8_t& byte : bytes) {
      noise = noise * 1664525U + 1013904223U;
      constexpr char kLikely[] = "IMPROV\x01\x03{}\n\r \xff";
      byte = (noise >> 28) < 12 ? static_cast<uint8_t>(kLikely[(noise >> 16) % (sizeof kLikely - 1)]) : static_cast<uint8_t>(noise >> 20);
    }
    const uint64_t now = static_cast<uint64_t>(round) * 30000;
    wire.put(bytes, sizeof bytes);
    while (console.poll(now).kind != Kind::none) {
    }
    wire.size = 0;
    (void)console.poll(now + SerialConsole::kLineMs + 1);
    wire.type("{\"status\":true}\n");
    CHECK(console.poll(now + SerialConsole::kLineMs + 2).kind == Kind::status);
  }
}

static const espalier::test::Unit lines("console_lines", testLines);
static const espalier::test::Unit bounds("console_line_bounds", testLineBounds);
static const espalier::test::Unit improv("console_improv", testImprov);
static const espalier::test::Unit noiseUnit("console_noise", testNoise);
