#include "check.h"

namespace espalier {
namespace test {
namespace {

/** Set before any constructor runs, being constant. */
const Unit* first = nullptr;

void sayNumber(uint32_t value) {
  char text[11];
  size_t at = sizeof text;
  text[--at] = '\0';
  do {
    text[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  say(text + at);
}

}  // namespace

Unit::Unit(const char* unitName, void (*unitRun)(Check&)) : name(unitName), run(unitRun), next(first) { first = this; }

void Check::that(bool good, const char* what, const char* file, int line) {
  checks_++;
  if (good) return;
  failures_++;
  if (failures_ > 20) return;
  say(file);
  say(":");
  sayNumber(static_cast<uint32_t>(line));
  say(": ");
  say(what);
  say("\n");
}

int runUnits() {
  uint32_t failures = 0;
  for (const Unit* unit = first; unit != nullptr; unit = unit->next) {
    Check check;
    unit->run(check);
    say(check.failures() == 0 ? "good " : "BAD  ");
    say(unit->name);
    say(" ");
    sayNumber(check.checks());
    say("\n");
    failures += check.failures() + (check.checks() == 0 ? 1u : 0u);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace test
}  // namespace espalier
