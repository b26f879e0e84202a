#include "harness.h"
#include "../update_bench.h"
#include "espalier/semver.h"

/** What an update brings: params of a command, versions, an image with or without a marker. The first byte says which; the second, for an
 *  image, in pieces of how many bytes it comes. */
using namespace espalier;
using espalier::fuzz::must;
using namespace espalier::test;

/** Any hash and any signature will do: what comes behind them is to be reached. */
class Trusting final : public Crypto {
 public:
  void sha256Begin() override {}
  void sha256Add(Span bytes) override { must(bytes.size == 0 || bytes.data != nullptr); }
  void sha256End(uint8_t out[32]) override { memset(out, 0, 32); }
  [[nodiscard]] bool verify(Span, const uint8_t[32], Span signature) override { return signature.size > 0; }
};

class Forgetful final : public Store {
 public:
  [[nodiscard]] size_t read(Text, size_t, uint8_t*, size_t) override { return 0; }
  [[nodiscard]] bool write(Text name, Span bytes) override { return name.size <= 15 && bytes.size <= 1024; }
  [[nodiscard]] bool append(Text, Span) override { return false; }
  void remove(Text) override {}
};

static void order(Text payload) {
  Command command;
  if (!readCommand(payload, command)) return;
  static MemorySlots<8192> slots;
  static ServedHttp http;
  static Trusting crypto;
  static Forgetful store;
  static StillSystem system;
  const Build build = {"esp32dev", "1.0.0", true, false};
  Updater updater(store, slots, http, crypto, system, build);
  updater.begin(0);
  constexpr uint8_t kKey[1] = {1};
  contract::CommandError error = contract::CommandError::interrupted;
  char message[sizes::kAckMessageBytes];
  memset(message, 1, sizeof message);
  if (!updater.start(command, Span(kKey, 1), error, message, sizeof message)) {
    must(!updater.busy() && error != contract::CommandError::interrupted && memchr(message, 0, sizeof message) != nullptr);
    return;
  }
  must(updater.busy() && updater.commandId().equals(command.id.text()));
  for (uint64_t nowMs = 0; nowMs < 8; nowMs++) (void)updater.step(nowMs, true);
  must(http.urlSize <= contract::kUpdateTextBytes && memchr(http.url, '\n', http.urlSize) == nullptr);
}

/** Two versions, a NUL between them: the order is one, whoever is asked. */
static void versions(Text both) {
  size_t middle = 0;
  while (middle < both.size && both.data[middle] != '\0') middle++;
  if (middle == both.size) return;
  const Text a(both.data, middle);
  const Text b(both.data + middle + 1, both.size - middle - 1);
  if (!isSemver(a) || !isSemver(b)) return;
  must(compareSemver(a, b) == -compareSemver(b, a) && compareSemver(a, a) == 0);
}

/** In pieces it says what it says as a whole, and what it says is one. */
static void image(size_t piece, const uint8_t* bytes, size_t size) {
  MarkerSearch whole;
  MarkerSearch pieces;
  whole.add(bytes, size);
  for (size_t at = 0; at < size; at += piece) pieces.add(bytes + at, piece < size - at ? piece : size - at);
  must(whole.found() == pieces.found());
  if (!whole.found()) return;
  must(memcmp(&whole.marker(), &pieces.marker(), sizeof(ImageMarker)) == 0);
  must(boardOf(whole.marker()).size < sizeof ImageMarker::board && versionOf(whole.marker()).size < sizeof ImageMarker::version);
}

/** A fuzzer does not guess a CRC: every marker it half made is made whole. */
static void imageMadeWhole(size_t piece, const uint8_t* bytes, size_t size) {
  static uint8_t copy[4096];
  if (size > sizeof copy) return;
  memcpy(copy, bytes, size);
  for (size_t at = 0; at + sizeof(ImageMarker) <= size; at++) {
    if (copy[at] != 'e' || copy[at + 1] != 's' || copy[at + 2] != 'p') continue;
    const uint32_t crc = crc32(Span(copy + at, sizeof(ImageMarker) - 4));
    for (size_t i = 0; i < 4; i++) copy[at + sizeof(ImageMarker) - 4 + i] = static_cast<uint8_t>(crc >> (8 * i));
  }
  image(piece, copy, size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Text text(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t piece = data[1] + size_t{1};
  switch (data[0] % 4) {
    case 0: order(text); break;
    case 1: versions(text); break;
    case 2: image(piece, data + 2, size - 2); break;
    default: imageMadeWhole(piece, data + 2, size - 2); break;
  }
  return 0;
}
