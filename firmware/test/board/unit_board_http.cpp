#include "../check.h"
#include "boards/esp32/http.h"
#include "fakes.h"

using espalier::HttpState;

namespace {

struct Bench {
  espalier::BrokerSettings broker;
  EspHttp http;
  char body[3000];
  Bench() {
    for (size_t i = 0; i < sizeof body; i++) body[i] = static_cast<char>(i % 251);
    fakes::http = {200, body, sizeof body, sizeof body + 1, "", false, nullptr};
    http.begin(broker);
  }
  /** Runs the download and reads to its end; the bytes must be the body's from `at`. */
  HttpState all(size_t& got, bool& right) {
    fakes::runTasks();
    uint8_t piece[700];
    right = true;
    got = 0;
    for (;;) {
      size_t size = 0;
      const HttpState state = http.read(piece, sizeof piece, size);
      if (state != HttpState::data) return state;
      right = right && size > 0 && memcmp(piece, body + got, size) == 0;
      got += size;
    }
  }
};

void testDownload(espalier::test::Check& check) {
  Bench bench;
  size_t got = 0;
  bool right = false;
  uint8_t byte = 0;
  CHECK(bench.http.open("https://house/fw/x", 0));
  CHECK(bench.http.read(&byte, 1, got) == HttpState::waiting && bench.http.status() == 0);
  // One at a time.
  CHECK(!bench.http.open("https://house/fw/y", 0));
  CHECK(bench.all(got, right) == HttpState::done && right && got == sizeof bench.body && bench.http.status() == 200);
  CHECK(fakes::http.range[0] == '\0' && !fakes::http.redirects);

  fakes::http.status = 206;
  fakes::http.contentRange = "bytes 1835008-1838007/1838008";
  CHECK(bench.http.open("https://house/fw/x", 1835008));
  CHECK(bench.all(got, right) == HttpState::done && strcmp(fakes::http.range, "bytes=1835008-") == 0);
}

void testFailures(espalier::test::Check& check) {
  Bench bench;
  size_t got = 0;
  bool right = false;
  // The line breaks: what came is told, and that it was not all.
  fakes::http.breaksAt = 2000;
  CHECK(bench.http.open("https://house/fw/x", 0));
  CHECK(bench.all(got, right) == HttpState::failed && right && got == 2000);
  // No connection; no such image; a redirection.
  const int statuses[] = {0, 404, 302};
  for (const int status : statuses) {
    fakes::http = {status, bench.body, sizeof bench.body, sizeof bench.body + 1, "", false, nullptr};
    CHECK(bench.http.open("https://house/fw/x", 0));
    CHECK(bench.all(got, right) == HttpState::failed && got == 0 && bench.http.status() == status);
  }
  // Given up in the middle.
  fakes::http.status = 200;
  CHECK(bench.http.open("https://house/fw/x", 0));
  bench.http.close();
  CHECK(bench.all(got, right) == HttpState::failed);
  CHECK(bench.http.open("https://house/fw/x", 0));
  CHECK(bench.all(got, right) == HttpState::done && got == sizeof bench.body);
}

/** A piece from elsewhere is none, and none of its bytes is passed on. */
void testOtherRange(espalier::test::Check& check) {
  Bench bench;
  size_t got = 0;
  bool right = false;
  const char* const ranges[] = {nullptr, "", "bytes 0-2999/3000", "bytes 4097-7096/7097", "bytes 40960-43959/43960", "bytes */7096",
                                "bytes -4096", "lines 4096-7095/7096", "bytes 4096", "bytes 4294971392-4294974391/4294974392"};
  for (const char* const range : ranges) {
    fakes::http.status = 206;
    fakes::http.contentRange = range;
    CHECK(bench.http.open("https://house/fw/x", 4096));
    CHECK(bench.all(got, right) == HttpState::failed && got == 0);
  }
  // What one answer said does not count for the next.
  fakes::http.contentRange = "Bytes 4096-7095/7096";
  CHECK(bench.http.open("https://house/fw/x", 4096));
  CHECK(bench.all(got, right) == HttpState::done && got == sizeof bench.body);
  fakes::http.contentRange = nullptr;
  CHECK(bench.http.open("https://house/fw/x", 4096));
  CHECK(bench.all(got, right) == HttpState::failed && got == 0);
}

const espalier::test::Unit download("board_http download", testDownload);
const espalier::test::Unit otherRange("board_http other_range", testOtherRange);
const espalier::test::Unit failures("board_http failures", testFailures);

}  // namespace
