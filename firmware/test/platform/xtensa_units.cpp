#include <string.h>

#include "../check.h"

extern "C" {
void write_text(const char* text, size_t size);
int run_units(void);
}

namespace espalier {
namespace test {

void say(const char* text) { write_text(text, strlen(text)); }

}  // namespace test
}  // namespace espalier

int run_units(void) { return espalier::test::runUnits(); }
