#include "../../lib/espalier/src/command_frame.h"
#include "commands.h"
#include "espalier/crc32.h"

/** Whatever flash may hold of commands when a node starts: it takes what is good, and goes on without running anything twice. An odd first
 *  byte gives every record its right sizes and CRC, so that what is behind that check is reached too. */
using namespace espalier;
using namespace espalier::fuzz;

static Life life;

static void put(uint8_t* at, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

/** Makes records of what is there, each as long as its texts say. */
static void mend(uint8_t* bytes, size_t size) {
  for (size_t at = 0; at + CommandFrame::kAround <= size;) {
    uint8_t* record = bytes + at;
    const size_t whole = CommandFrame::kAround + record[21] + record[22] + record[23] + record[24] + (record[25] % 5U) * 256U;
    if (whole > size - at) return;
    record[0] = 0xEC;
    record[1] = static_cast<uint8_t>(1 + record[1] % 3);
    put(record + 2, static_cast<uint32_t>(whole), 2);
    record[25] %= 5;
    // No node got so far that its numbers come to an end.
    record[11] &= 0x7F;
    put(record + whole - 4, crc32(Span(record, whole - 4)), 4);
    at += whole;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static uint8_t bytes[4096];
  Input input(data, size);
  life.flash.format();
  const bool mended = input.byte() % 2 == 1;
  constexpr Text kFiles[] = {"cmd.a", "cmd.b"};
  for (const Text name : kFiles) {
    const Span given = input.bytes(input.two() % sizeof bytes);
    if (given.size == 0) continue;
    memcpy(bytes, given.data, given.size);
    if (mended) mend(bytes, given.size);
    must(life.flash.write(name, Span(bytes, given.size)));
  }
  life.live(input, mended ? Life::Before::mended : Life::Before::anything);
  return 0;
}
