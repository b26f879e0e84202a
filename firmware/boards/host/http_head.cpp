#include "http_head.h"

namespace espalier {
namespace host {
namespace {

/** Digits up to something else; false: there are none, or too many. */
bool takeNumber(Text& text, uint64_t& out) {
  size_t size = 0;
  out = 0;
  for (; size < text.size && text.data[size] >= '0' && text.data[size] <= '9'; size++) {
    if (size == 15) return false;
    out = out * 10 + static_cast<uint64_t>(text.data[size] - '0');
  }
  text = Text(text.data + size, text.size - size);
  return size > 0;
}

bool takeWords(Text& text, Text words) {
  if (text.size < words.size || memcmp(text.data, words.data, words.size) != 0) return false;
  text = Text(text.data + words.size, text.size - words.size);
  return true;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/** The value of a line that begins with this name; false: another line. */
bool valueOf(Text line, Text name, Text& value) {
  if (line.size <= name.size || line.data[name.size] != ':') return false;
  for (size_t i = 0; i < name.size; i++)
    if (lower(line.data[i]) != name.data[i]) return false;
  size_t from = name.size + 1;
  while (from < line.size && (line.data[from] == ' ' || line.data[from] == '\t')) from++;
  size_t to = line.size;
  while (to > from && (line.data[to - 1] == ' ' || line.data[to - 1] == '\t')) to--;
  value = Text(line.data + from, to - from);
  return true;
}

Text takeLine(Text& rest) {
  size_t size = 0;
  while (size + 1 < rest.size && !(rest.data[size] == '\r' && rest.data[size + 1] == '\n')) size++;
  const bool ended = size + 1 < rest.size;
  const Text line(rest.data, ended ? size : rest.size);
  const size_t used = ended ? size + 2 : rest.size;
  rest = Text(rest.data + used, rest.size - used);
  return line;
}

bool takeStatus(Text line, int& out) {
  uint64_t status = 0;
  if (!takeWords(line, "HTTP/1.1 ") && !takeWords(line, "HTTP/1.0 ")) return false;
  if (!takeNumber(line, status) || status < 100 || status > 599) return false;
  out = static_cast<int>(status);
  return true;
}

bool takeField(Text line, HttpHead& out) {
  Text value;
  if (valueOf(line, "content-length", value)) {
    uint64_t length = 0;
    const bool again = out.hasLength;
    if (!takeNumber(value, length) || value.size > 0 || (again && length != out.length)) return false;
    out.hasLength = true;
    out.length = length;
  }
  if (valueOf(line, "transfer-encoding", value)) out.coded = true;
  if (valueOf(line, "content-encoding", value)) out.coded = out.coded || !value.equals("identity");
  if (valueOf(line, "content-range", value)) {
    out.hasRange = takeWords(value, "bytes ") && takeNumber(value, out.rangeFrom) && takeWords(value, "-");
  }
  return true;
}

}  // namespace

bool readHttpHead(Text text, HttpHead& out) {
  out = HttpHead();
  if (!takeStatus(takeLine(text), out.status)) return false;
  while (text.size > 0)
    if (!takeField(takeLine(text), out)) return false;
  return true;
}

}  // namespace host
}  // namespace espalier
