#include <stdio.h>

#include "../check.h"

namespace espalier {
namespace test {

void say(const char* text) { fputs(text, stdout); }

}  // namespace test
}  // namespace espalier

int main() { return espalier::test::runUnits(); }
