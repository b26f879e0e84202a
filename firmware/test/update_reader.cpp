// What the firmware makes of versions, markers and manifests, for the vectors: `semver HEX HEX …` by pairs, `image PIECE HEX`,
// `manifest COMMAND BOARD KEY`, texts in hex (`-`: empty). One line of JSON.
#include "espalier/semver.h"
#include "update_board.h"

using namespace espalier;
using namespace espalier::test;

namespace {

struct Bytes {
  explicit Bytes(const char* hex) {
    unsigned byte = 0;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
      must(size < sizeof data, "too long");
      data[size++] = static_cast<char>(byte);
    }
  }
  [[nodiscard]] Text text() const { return Text(data, size); }
  [[nodiscard]] Span span() const { return Span(reinterpret_cast<const uint8_t*>(data), size); }
  char data[65536] = {};
  size_t size = 0;
};

void semver(int count, char** texts) {
  for (int i = 0; i + 1 < count; i += 2) {
    const Bytes a(texts[i]);
    const Bytes b(texts[i + 1]);
    const bool good = isSemver(a.text());
    const int order = good && isSemver(b.text()) ? compareSemver(a.text(), b.text()) : 0;
    printf("%s[%s,%d]", i == 0 ? "[" : ",", good ? "true" : "false", order);
  }
  puts("]");
}

void image(size_t piece, const Bytes& bytes) {
  MarkerSearch search;
  const Span all = bytes.span();
  for (size_t at = 0; at < all.size; at += piece) search.add(all.data + at, piece < all.size - at ? piece : all.size - at);
  if (!search.found()) {
    puts("null");
    return;
  }
  const ImageMarker& found = search.marker();
  printf("{\"board\":\"%s\",\"version\":\"%s\"}\n", found.board, found.version);
}

void manifest(const Bytes& payload, const Bytes& board, const Bytes& key) {
  host::Power power;
  PoweredStore store(power);
  MemorySlots<8> slots;
  slots.room = UINT32_MAX;
  ServedHttp http;
  host::OpensslCrypto crypto;
  StillSystem system;
  const Build build = {board.text(), "0.0.0-0", false, false};
  Updater updater(store, slots, http, crypto, system, build);
  Command command;
  contract::CommandError error = contract::CommandError::badParams;
  char message[sizes::kAckMessageBytes];
  must(readCommand(payload.text(), command), "no command");
  if (updater.start(command, key.span(), error, message, sizeof message)) puts("null");
  else printf("\"%s\"\n", contract::kCommandErrorNames[static_cast<size_t>(error)].data);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 4 && strcmp(argv[1], "semver") == 0) semver(argc - 2, argv + 2);
  else if (argc == 4 && strcmp(argv[1], "image") == 0) image(static_cast<size_t>(atoi(argv[2])), Bytes(argv[3]));
  else if (argc == 5 && strcmp(argv[1], "manifest") == 0) manifest(Bytes(argv[2]), Bytes(argv[3]), Bytes(argv[4]));
  else stop("semver|image|manifest");
  return 0;
}
