#pragma once
#include <stddef.h>
#include <stdint.h>

/** The units of the core: plain checks without heap, files or iostream, so that the same run on this machine, as 32-bit code, as ARM
 *  code with the ESP32's data model, and as Xtensa code. A file `unit_<thing>.cpp` says
 *
 *    static void testThing(espalier::test::Check& check) { CHECK(1 + 1 == 2); }
 *    static const espalier::test::Unit unit("thing", testThing);
 *
 *  and `units.cpp` runs them all. */
namespace espalier {
namespace test {

class Check {
 public:
  void that(bool good, const char* what, const char* file, int line);
  [[nodiscard]] uint32_t checks() const { return checks_; }
  [[nodiscard]] uint32_t failures() const { return failures_; }

 private:
  uint32_t checks_ = 0;
  uint32_t failures_ = 0;
};

struct Unit {
  Unit(const char* unitName, void (*unitRun)(Check&));
  const char* name;
  void (*run)(Check&);
  const Unit* next;
};

/** Runs every unit, says how each went; 0 when all is good. */
int runUnits();

/** Given by the platform: writes a text to the person. */
void say(const char* text);

#define CHECK(condition) check.that((condition), #condition, __FILE__, __LINE__)

}  // namespace test
}  // namespace espalier
