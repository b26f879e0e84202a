#include "harness.h"
#include "espalier/crc32.h"
#include "espalier/recorder.h"

/** Whatever flash may hold when a node starts: it finds what is good, sends it, and nothing else happens. An odd first byte gives every frame
 *  its right CRC, so that what is behind that check is reached too. */
using namespace espalier;
using espalier::fuzz::must;

namespace {

/** The first segments and the two copies of the state; everything else is refused. */
class Flash final : public Store {
 public:
  static constexpr size_t kFiles = 6;
  uint8_t bytes[kFiles][sizes::kSegmentBytes] = {};
  size_t size[kFiles] = {};

  [[nodiscard]] size_t read(Text name, size_t offset, uint8_t* out, size_t room) override {
    const size_t file = indexOf(name);
    if (file == kFiles || offset >= size[file]) return 0;
    const size_t length = room < size[file] - offset ? room : size[file] - offset;
    memcpy(out, bytes[file] + offset, length);
    return length;
  }
  [[nodiscard]] bool write(Text name, Span data) override {
    const size_t file = indexOf(name);
    if (file == kFiles) return false;
    size[file] = 0;
    return append(name, data);
  }
  [[nodiscard]] bool append(Text name, Span data) override {
    const size_t file = indexOf(name);
    if (file == kFiles || data.size > sizes::kSegmentBytes - size[file]) return false;
    memcpy(bytes[file] + size[file], data.data, data.size);
    size[file] += data.size;
    return true;
  }
  void remove(Text name) override {
    const size_t file = indexOf(name);
    if (file < kFiles) size[file] = 0;
  }

 private:
  static size_t indexOf(Text name) {
    if (name.equals("ring.a")) return 4;
    if (name.equals("ring.b")) return 5;
    if (name.size != 7 || name.data[5] != '0' || name.data[6] < '0' || name.data[6] > '3') return kFiles;
    return static_cast<size_t>(name.data[6] - '0');
  }
};

Flash flash;
char message[sizes::kOutBytes];
const Channel channels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};

uint32_t crcOf(uint32_t generation, const uint8_t* data, size_t size) {
  const uint8_t seed[] = {static_cast<uint8_t>(generation), static_cast<uint8_t>(generation >> 8), static_cast<uint8_t>(generation >> 16),
                          static_cast<uint8_t>(generation >> 24)};
  return crc32(Span(data, size), crc32(Span(seed, sizeof seed)));
}

/** Makes frames of what is there: a length, so many bytes, and their CRC written over what follows. */
void mend(uint8_t* bytes, size_t size) {
  if (size < 8) return;
  uint32_t generation = 0;
  for (size_t i = 0; i < 4; i++) generation |= static_cast<uint32_t>(bytes[3 + i]) << (8 * i);
  for (size_t at = 0; at + 6 < size;) {
    bytes[at] &= 0x7F;
    if (bytes[at] == 0) bytes[at] = 1;
    const size_t length = bytes[at];
    if (at + 1 + length + 4 > size) return;
    const uint32_t crc = crcOf(generation, bytes + at + 1, length);
    for (size_t i = 0; i < 4; i++) bytes[at + 1 + length + i] = static_cast<uint8_t>(crc >> (8 * i));
    at += 1 + length + 4;
  }
}

void sane(const Outgoing& outgoing) {
  must(outgoing.payload.size > 0 && outgoing.payload.size <= sizeof message && outgoing.count <= contract::kReadings);
  must(outgoing.payload.data[0] == '{' && outgoing.payload.data[outgoing.payload.size - 1] == '}');
  // Nobody ever sends a time with a sign, or one of few digits.
  constexpr char kKey[] = "\"timestamp\":";
  for (size_t i = 0; i + sizeof kKey + 9 < outgoing.payload.size; i++) {
    if (memcmp(outgoing.payload.data + i, kKey, sizeof kKey - 1) != 0) continue;
    for (size_t k = 0; k < 10; k++) {
      const char digit = outgoing.payload.data[i + sizeof kKey - 1 + k];
      must(digit >= '0' && digit <= '9');
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const bool mended = data[0] % 2 == 1;
  const size_t files = 1 + data[1] % Flash::kFiles;
  data += 2;
  size -= 2;
  for (size_t file = 0; file < Flash::kFiles; file++) {
    // The state's copies first: there are few, and they are short.
    const size_t place = (file + 4) % Flash::kFiles;
    const size_t part = file < files ? size / files : 0;
    flash.size[place] = part < sizes::kSegmentBytes ? part : sizes::kSegmentBytes;
    if (flash.size[place] > 0) memcpy(flash.bytes[place], data + file * part, flash.size[place]);
    if (mended && place < 4) mend(flash.bytes[place], flash.size[place]);
  }
  WallClock clock;
  Recorder recorder(flash, clock);
  Recorder::Options options;
  options.id = "01";
  options.channels = channels;
  options.channelCount = 2;
  options.keepReceipt = true;
  recorder.begin(options, 99, 0);
  clock.fromSntp(1704844800000, 0);
  recorder.connected(0);
  uint64_t nowMs = 0;
  const double values[] = {21.5, 40};
  for (int i = 0; i < 16; i++) {
    nowMs += 1000;
    recorder.take(values, false, 0, nowMs);
    recorder.step(nowMs);
    const Outgoing live = recorder.nextLive(nowMs, message, sizeof message);
    must(live.count > 0);
    sane(live);
    recorder.sent(live, nowMs);
    const Outgoing backlog = recorder.nextBacklog(nowMs, message, sizeof message);
    if (backlog.count > 0) {
      sane(backlog);
      recorder.sent(backlog, nowMs);
      recorder.acknowledged(backlog);
    }
    recorder.acknowledged(live);
    Receipts receipts;
    receipts.count = 1;
    const Outgoing& of = i % 3 == 0 && backlog.count > 0 ? backlog : live;
    receipts.entries[0] = {of.boot, i % 2 == 0, of.first, of.first + of.count - 1, 0};
    recorder.receipts(receipts, nowMs);
  }
  must(recorder.held() >= recorder.backlog() || recorder.backlog() < UINT32_MAX / 2);
  return 0;
}
