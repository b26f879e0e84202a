#include "commands.h"

/** Any life of a node's commands: what comes in and with which flags, restarts, cut power, flash that refuses. Every ack is one of the
 *  contract's, what ended one way never ended another, and nothing runs twice. */
using namespace espalier::fuzz;

static Life life;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  life.flash.format();
  life.live(input, Life::Before::nothing);
  return 0;
}
