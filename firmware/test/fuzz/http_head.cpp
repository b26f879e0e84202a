#include "../../boards/host/http_head.cpp"

#include "harness.h"

/** The head of any answer a server may give: what is read of it does not hang on other lines, on the letters' case, or on space, and
 *  written down it is read again. */
using namespace espalier;
using namespace espalier::fuzz;
using host::HttpHead;
using host::readHttpHead;

static bool same(const HttpHead& a, const HttpHead& b) {
  return a.status == b.status && a.hasLength == b.hasLength && a.length == b.length && a.coded == b.coded && a.hasRange == b.hasRange &&
         (!a.hasRange || a.rangeFrom == b.rangeFrom);
}

static char text[8192];

/** Another line at its end, one a proxy may add. */
static void withALine(Text head, bool good, const HttpHead& was) {
  constexpr Text kLine = "\r\nX-Content-Length: 7";
  memcpy(text, head.data, head.size);
  memcpy(text + head.size, kLine.data, kLine.size);
  HttpHead now;
  must(readHttpHead(Text(text, head.size + kLine.size), now) == good && (!good || same(now, was)));
}

/** Names in capitals. */
static void loud(Text head, bool good, const HttpHead& was) {
  memcpy(text, head.data, head.size);
  bool name = false;
  for (size_t i = 0; i < head.size; i++) {
    if (i > 1 && text[i - 2] == '\r' && text[i - 1] == '\n') name = true;
    if (text[i] == ':' || text[i] == '\r') name = false;
    if (name && text[i] >= 'a' && text[i] <= 'z') text[i] = static_cast<char>(text[i] - 32);
  }
  HttpHead now;
  must(readHttpHead(Text(text, head.size), now) == good && (!good || same(now, was)));
}

static size_t say(size_t at, Text words) {
  memcpy(text + at, words.data, words.size);
  return at + words.size;
}

static size_t say(size_t at, uint64_t number) {
  char digits[20];
  size_t size = 0;
  do digits[size++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  while (size > 0) text[at++] = digits[--size];
  return at;
}

static void writtenDown(const HttpHead& was) {
  size_t at = say(say(0, "HTTP/1.1 "), static_cast<uint64_t>(was.status));
  at = say(at, " so\r\n");
  if (was.hasLength) at = say(say(say(at, "content-length:"), was.length), "\r\n");
  if (was.hasRange) at = say(say(say(at, "Content-Range: bytes "), was.rangeFrom), "-9/10\r\n");
  if (was.coded) at = say(at, "Transfer-Encoding: chunked\r\n");
  HttpHead now;
  must(readHttpHead(Text(text, at), now) && same(now, was));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Text head(reinterpret_cast<const char*>(data), size < 4096 ? size : 4096);
  HttpHead read;
  const bool good = readHttpHead(head, read);
  withALine(head, good, read);
  loud(head, good, read);
  if (!good) return 0;
  must(read.status >= 100 && read.status <= 599 && (!read.hasLength || read.length < 1000000000000000U));
  writtenDown(read);
  return 0;
}
