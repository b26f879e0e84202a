#include "check.h"
#include "command_bench.h"

using namespace espalier;
using namespace espalier::test;

/** The power is cut at every flash write of a long script, in all ways a write can be torn; then the manager sends everything again, as it
 *  does. Nothing runs twice, and an answer once heard stays what it was. */
static CommandBench bench;

namespace {

/** More commands than places, long texts among them, so that the log is written anew in the middle. */
constexpr uint32_t kCommands = 44;
constexpr Text kKinds[] = {"ping", "identify", "set_output", "nope", "reboot", "read_now", "ping", "pulse_output"};
constexpr Text kParams[] = {"", R"(,"params":{"seconds":5})", R"(,"params":{"name":"relay","value":1})", "", "", "", "",
                            R"(,"params":{"name":"relay","ms":9})"};

/** The first word of each command's final ack that was heard: d, f, r; 0: none yet. */
char heard[kCommands];

CommandText command(uint32_t number) { return CommandText(number, kKinds[number % 8], kParams[number % 8]); }

uint32_t number() {
  uint32_t value = 0;
  for (size_t at = 0; at + 6 < bench.size; at++) {
    if (memcmp(bench.out + at, "\"id\":\"t", 7) != 0) continue;
    for (at += 7; bench.out[at] != '"'; at++) value = value * 10 + static_cast<uint32_t>(bench.out[at] - '0');
    return value;
  }
  return kCommands;
}

char stateWord() {
  for (size_t at = 0; at + 9 < bench.size; at++)
    if (memcmp(bench.out + at, "\"state\":\"", 9) == 0) return bench.out[at + 9];
  return '?';
}

/** Takes every ack, with a PUBACK for each second one. False: the power went. */
bool hear(Check& check) {
  for (int i = 0; bench.ack(); i++) {
    if (bench.flash.off()) return false;
    const char state = stateWord();
    const uint32_t which = number();
    CHECK(which < kCommands);
    if (state == 'd' || state == 'f' || bench.says("\"rejected\"")) {
      if (heard[which] == 0) heard[which] = state;
      CHECK(heard[which] == state);
    }
    if (state == 'd' && bench.says("\"ping\"")) CHECK(bench.says("{\"uptime\":7}"));
    if (i % 2 == 0) bench.dispatcher.delivered(bench.token);
    if (bench.flash.off()) return false;
  }
  return !bench.flash.off();
}

/** Sends from `from` on; each command twice. Returns the command at which the power went. */
uint32_t script(Check& check, uint32_t from) {
  for (uint32_t i = from; i < kCommands; i++) {
    for (int twice = 0; twice < 2; twice++) {
      bench.receive(command(i).text());
      if (bench.flash.off() || !hear(check)) return i;
    }
    bench.nowMs += 1000;
    bench.dispatcher.step(bench.nowMs);
    if (bench.flash.off()) return i;
    if (kKinds[i % 8].equals("pulse_output")) {
      static Effect effect;
      effect = Effect();
      bench.dispatcher.finish(bench.hands.last, effect);
      if (bench.flash.off()) return i;
    }
    if (kKinds[i % 8].equals("reboot")) bench.restart();
    if (!hear(check)) return i;
  }
  return kCommands;
}

void begin() {
  bench.fresh();
  for (char& state : heard) state = 0;
}

void cut(Check& check, uint32_t nth, Cut how) {
  begin();
  bench.flash.cutAt(nth, how);
  const uint32_t at = script(check, 0);
  CHECK(bench.flash.off());
  bench.restart();
  CHECK(hear(check));
  // The last places are remembered whatever happened: sent again, all of it.
  const uint32_t from = at > 20 ? at - 20 : 0;
  CHECK(script(check, from) == kCommands);
  // What was written after the cut is still there after another restart.
  bench.restart();
  CHECK(script(check, kCommands - 20) == kCommands);
  for (uint32_t i = 0; i < kCommands; i++) CHECK(bench.witness.runs[i] <= 1);
  CHECK(bench.witness.runs[kCommands - 4] + bench.witness.runs[kCommands - 2] > 0);
}

/** A file that was to be removed and stayed is not believed again. */
void left(Check& check) {
  static uint8_t kept[2][CommandFlash::kBytes];
  size_t sizes[2] = {0, 0};
  constexpr Text kNames[] = {"cmd.a", "cmd.b"};
  uint32_t gone = 0;
  begin();
  for (uint32_t i = 0; i < 240; i++) {
    bench.receive(CommandText(i, "ping").text());
    while (bench.ack()) continue;
    for (size_t file = 0; file < 2; file++) {
      const size_t size = bench.flash.read(kNames[file], 0, kept[file], sizeof kept[file]);
      if (size == 0 && sizes[file] > 0) {
        CHECK(bench.flash.write(kNames[file], Span(kept[file], sizes[file])));
        gone++;
      } else {
        sizes[file] = size;
      }
    }
    bench.restart();
    while (bench.ack()) continue;
    for (uint32_t again = i > 31 ? i - 31 : 0; again <= i; again++) {
      bench.receive(CommandText(again, "ping").text());
      CHECK(bench.ack() && bench.witness.runs[again] == 1);
    }
  }
  CHECK(gone >= 3);
}

/** The log gets too long at each of a command's own writes: an end is never told without its result. */
void atTheEdge(Check& check) {
  uint32_t written = 0;
  for (uint32_t before = 24; before < 48; before++) {
    for (uint32_t nth = 1; nth <= 5; nth++) {
      begin();
      for (uint32_t i = 0; i < before; i++) bench.receive(CommandText(i, "ping").text());
      while (bench.ack()) continue;
      bench.flash.cutAt(nth, {Tear::half, Tail::erased});
      bench.receive(CommandText(before, "ping").text());
      const bool cutHere = bench.flash.off();
      bench.restart();
      while (bench.ack()) continue;
      bench.receive(CommandText(before, "ping").text());
      CHECK(bench.ack() && (bench.says("{\"uptime\":7}") || bench.says("interrupted")));
      CHECK(bench.witness.runs[before] <= 1);
      written += cutHere && nth > 2 ? 1 : 0;
      bench.flash.format();
    }
  }
  // Some of them wrote all anew.
  CHECK(written > 0);
}

}  // namespace

static void testCommandPower(Check& check) {
  atTheEdge(check);
  left(check);
  begin();
  CHECK(script(check, 0) == kCommands);
  const uint32_t writes = bench.flash.changes();
  CHECK(writes > 100);
  CHECK(bench.flash.erases("cmd.a") > 0 && bench.flash.erases("cmd.b") > 0);
  for (uint32_t nth = 1; nth <= writes; nth++) {
    for (const Cut how : kCuts) {
      // What stands behind is only asked where something was written in part.
      if (how.tear == Tear::half || how.tail == Tail::erased) cut(check, nth, how);
    }
  }
}

static const Unit unit("command_power", testCommandPower);
