// One download with the host's client: `fetch CA-FILE URL OFFSET OUT-FILE`. One line of JSON: how it ended, and how often there was nothing to read yet.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "../boards/host/http.h"

using namespace espalier;

namespace {

char ca[16384];

struct Outcome {
  const char* ended = "refused";
  int status = 0;
  uint32_t bytes = 0;
  uint32_t waits = 0;
};

Outcome fetch(Http& client, Text url, size_t offset, FILE* out) {
  Outcome outcome;
  if (!client.open(url, offset)) return outcome;
  while (outcome.waits < 20000) {
    uint8_t piece[512];
    size_t got = 0;
    const HttpState state = client.read(piece, sizeof piece, got);
    outcome.status = client.status();
    outcome.bytes += static_cast<uint32_t>(fwrite(piece, 1, got, out));
    outcome.ended = state == HttpState::done ? "done" : state == HttpState::failed ? "failed" : "waiting";
    if (state == HttpState::done || state == HttpState::failed || outcome.status >= 300) break;
    if (state != HttpState::waiting) continue;
    outcome.waits++;
    (void)poll(nullptr, 0, 1);
  }
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  FILE* const pem = argc == 5 ? fopen(argv[1], "rb") : nullptr;
  FILE* const out = argc == 5 ? fopen(argv[4], "wb") : nullptr;
  if (pem == nullptr || out == nullptr) return 1;
  ca[fread(ca, 1, sizeof ca - 1, pem)] = '\0';
  (void)fclose(pem);

  host::HttpsClient client(ca);
  Outcome outcome;
  // A name may lead to an address where nobody listens first; the update machine tries again too.
  for (int attempt = 0; attempt < 3; attempt++) {
    outcome = fetch(client, Text(argv[2], strlen(argv[2])), static_cast<size_t>(atol(argv[3])), out);
    if (strcmp(client.why(), "can't connect") != 0) break;
  }
  printf("{\"ended\":\"%s\",\"status\":%d,\"bytes\":%u,\"why\":\"%s\",\"waits\":%u}\n", outcome.ended, outcome.status, outcome.bytes,
         client.why(), outcome.waits);
  client.close();
  return fclose(out);
}
