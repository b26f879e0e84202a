// What a node reads, as lines: `<kind> <payload in hex>` in, one line of JSON out. test/firmware/vectors.test.ts asks it every vector.
#include <cstdio>
#include <cstring>

#include "espalier/inbox.h"

using namespace espalier;

namespace {

char payload[200000];

size_t unhex(const char* hex) {
  size_t size = 0;
  unsigned byte = 0;
  for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) payload[size++] = static_cast<char>(byte);
  return size;
}

void printText(const char* name, Text text) {
  printf("\"%s\":\"", name);
  for (const char* c = text.data; c != text.data + text.size; c++) {
    if (static_cast<unsigned char>(*c) < 0x20U) printf("\\u%04x", static_cast<unsigned>(*c));
    else printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  }
  printf("\",");
}

void command(Text text) {
  Command read;
  if (!readCommand(text, read)) {
    puts("{\"ignored\":true}");
    return;
  }
  contract::Builtin builtin = contract::Builtin::ping;
  const Judgement judged = judgeBuiltin(read, builtin);
  const char* errors[] = {"null", "\"unknown_command\"", "\"bad_params\""};
  printf("{\"command\":{");
  if (read.id.size == 0) printf("\"id\":null,");
  else printText("id", read.id.text());
  printText("command", read.name.text());
  const Text params = read.params.raw();
  printf("\"params\":%.*s,", params.size == 0 ? 2 : static_cast<int>(params.size), params.size == 0 ? "{}" : params.data);
  if (read.hasExpires) printf("\"expires\":%.17g}", read.expires);
  else printf("\"expires\":null}");
  printf(",\"error\":%s}\n", errors[static_cast<int>(judged)]);
}

void receipt(Text text) {
  Receipts read;
  if (!readReceipts(text, read)) {
    puts("{\"ignored\":true}");
    return;
  }
  printf("{\"receipts\":[");
  for (size_t i = 0; i < read.count; i++) {
    const Receipt& entry = read.entries[i];
    printf("%s{\"boot\":%lu,\"seq\":", i > 0 ? "," : "", static_cast<unsigned long>(entry.boot));
    if (entry.settled) printf("%lu", static_cast<unsigned long>(entry.seq));
    else printf("null");
    printf(",\"seen\":%lu,\"rejected\":%lu}", static_cast<unsigned long>(entry.seen), static_cast<unsigned long>(entry.rejected));
  }
  puts("]}");
}

}  // namespace

int main() {
  static char line[420000];
  setvbuf(stdout, nullptr, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != nullptr) {
    char* space = strchr(line, ' ');
    if (space == nullptr) return 2;
    *space = '\0';
    const Text text(payload, unhex(space + 1));
    if (strcmp(line, "command") == 0) command(text);
    else receipt(text);
  }
}
