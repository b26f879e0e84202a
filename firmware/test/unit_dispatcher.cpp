#include "check.h"
#include "command_bench.h"

using namespace espalier;
using namespace espalier::test;

static CommandBench bench;

static void runsOnce(Check& check) {
  bench.fresh();
  bench.receive(R"({"id":"t1","command":"ping","params":{}})");
  CHECK(bench.ackSays(R"({"node_id":"node_n1","id":"t1","command":"ping","state":"done","result":{"uptime":7}})"));
  CHECK(bench.silent());
  bench.receive(R"({"expires":9,"params":{} ,"command":"ping","id":"t1"})", false, true);
  CHECK(bench.ackSays(R"("state":"done","result":{"uptime":7})"));
  bench.receive(R"({"id":"t1","command":"ping"})");
  CHECK(bench.ackSays(R"("state":"rejected","error":{"code":"id_reused")"));
  bench.receive(R"({"id":"t1","command":"ping","params":{ }})");
  CHECK(bench.ackSays("id_reused"));
  CHECK(bench.witness.all == 1);
  CHECK(bench.dispatcher.ignored() == 0);
}

static void ignores(Check& check) {
  bench.fresh();
  const uint32_t before = bench.dispatcher.ignored();
  bench.receive(R"({"id":"t1","command":"ping"})", true);
  bench.receive(R"({"command":"ping"})", false, true);
  bench.receive("reboot");
  bench.receive(R"({"id":"t1"})");
  CHECK(bench.silent());
  CHECK(bench.dispatcher.ignored() == before + 4);
  CHECK(bench.witness.all == 0 && bench.flash.changes() == 0);
}

static void withoutId(Check& check) {
  bench.fresh();
  bench.receive(R"({"command":"ping"})");
  CHECK(bench.ackSays(R"({"node_id":"node_n1","command":"ping","state":"done","result":{"uptime":7}})"));
  bench.dispatcher.delivered(bench.token);
  bench.receive(R"({"command":"identify"})");
  CHECK(bench.ackSays(R"("state":"running"})"));
  bench.dispatcher.delivered(bench.token);
  bench.nowMs = 4999;
  bench.dispatcher.step(bench.nowMs);
  CHECK(bench.silent());
  bench.nowMs = 5000;
  bench.dispatcher.step(bench.nowMs);
  CHECK(bench.ackSays(R"("state":"done","result":{"seconds":5})"));
  bench.dispatcher.connected();
  CHECK(bench.ackSays(R"("state":"done")"));
  bench.dispatcher.delivered(bench.token);
  bench.dispatcher.connected();
  CHECK(bench.silent());
  CHECK(bench.flash.changes() == 0);

  // What nobody fetches is bounded, and what was handed over goes first.
  for (int i = 0; i < 40; i++) bench.receive(R"({"command":"nope"})");
  uint32_t answers = 0;
  while (bench.ack()) answers++;
  CHECK(answers >= 5 && answers < 40);
  bench.receive(R"({"command":"ping"})");
  CHECK(bench.ackSays("\"done\""));
}

static void deadlines(Check& check) {
  bench.fresh();
  bench.receive(R"({"id":"t1","command":"ping","expires":1780000000})", false, false, 1780000000001);
  CHECK(bench.ackSays(R"("state":"expired","error":{"code":"expired","message":"it arrived)"));
  bench.receive(R"({"id":"t2","command":"ping","expires":1780000000})", false, false, 1780000000000);
  CHECK(bench.ackSays("\"done\""));
  bench.receive(R"({"id":"t3","command":"ping","expires":5})");
  CHECK(bench.ackSays("\"done\""));
  bench.receive(R"({"id":"t1","command":"ping","expires":1980000000})", false, false, 1780000000001);
  CHECK(bench.ackSays("\"expired\""));
  CHECK(bench.witness.runs[1] == 0 && bench.witness.all == 2);
}

static void refusals(Check& check) {
  bench.fresh();
  bench.receive(R"({"id":"t1","command":"dance"})");
  CHECK(bench.ackSays(R"("state":"rejected","error":{"code":"unknown_command","message":"no command of this node, allowed: ping,)"));
  CHECK(bench.says(",update_firmware,blink\""));
  bench.receive(R"({"id":"t2","command":"set_led","params":{"state":"on","brightness":300}})");
  CHECK(bench.ackSays(R"~("message":"brightness is 300, allowed: a whole number from 0 to 255 (set_led)")~"));
  bench.receive(R"({"id":"t3","command":"set_led","params":{"state":"on","colour":"red"}})");
  CHECK(bench.ackSays(R"~("code":"bad_params","message":"\"colour\" is no param of this command, allowed: state,brightness (set_led)")~"));
  bench.receive(R"({"id":"t4","command":"set_interval"})");
  CHECK(bench.ackSays("seconds is missing, allowed: a number from 0.1 to 86400 (set_interval)"));
  bench.receive(R"({"id":"t5","command":"ping","params":[]})");
  CHECK(bench.ackSays("params is a list, allowed: an object (ping)"));
  bench.receive(R"({"id":"t6","command":"ping","params":{"x":1}})");
  CHECK(bench.ackSays(R"~(allowed: none (ping)")~"));
  bench.receive(R"({"id":"t7","command":"read_now"})");
  CHECK(bench.ackSays(R"("state":"rejected","error":{"code":"busy","message":"not now")"));
  CHECK(bench.witness.all == 0);
  bench.receive(R"({"id":"t8","command":"set_output","params":{"name":"relay","value":1}})");
  CHECK(bench.ackSays(R"("state":"failed","error":{"code":"hardware","message":"it sticks")"));
  bench.receive(R"({"id":"t9","command":"blink","params":{"how":"often"}})");
  CHECK(bench.ackSays(R"("command":"blink","state":"done"})"));
}

static void untilPuback(Check& check) {
  bench.fresh();
  bench.receive(CommandText(1, "ping").text());
  CHECK(bench.ack());
  bench.dispatcher.disconnected();
  bench.dispatcher.connected();
  CHECK(bench.ackSays("\"t1\""));
  bench.restart();
  CHECK(bench.ackSays("\"t1\""));
  CHECK(bench.says("{\"uptime\":7}"));
  bench.dispatcher.delivered(bench.token);
  bench.restart();
  CHECK(bench.silent());
  bench.receive(CommandText(1, "ping").text());
  CHECK(bench.ackSays("{\"uptime\":7}"));
  CHECK(bench.witness.all == 1);

  // The PUBACK of `running` is not that of `done`.
  bench.receive(CommandText(2, "identify").text());
  CHECK(bench.ackSays("\"running\""));
  const uint32_t running = bench.token;
  bench.dispatcher.step(bench.nowMs + 5000);
  bench.dispatcher.delivered(running);
  CHECK(bench.ackSays("\"done\""));
  bench.restart();
  CHECK(bench.ackSays(R"("id":"t2","command":"identify","state":"done","result":{"seconds":5})"));
}

static void whileItRuns(Check& check) {
  bench.fresh();
  const CommandText pulse(1, "pulse_output", R"(,"params":{"name":"relay","ms":100})");
  bench.receive(pulse.text());
  const Ticket ticket = bench.hands.last;
  CHECK(bench.ackSays("\"running\""));
  bench.receive(pulse.text());
  CHECK(bench.ackSays("\"running\""));
  bench.dispatcher.progress(ticket, 40);
  CHECK(bench.ackSays(R"("state":"running","progress":40})"));
  static Effect effect;
  effect = Effect();
  memcpy(effect.result, "{}", 3);
  bench.dispatcher.finish(static_cast<Ticket>(ticket + 32), effect);
  CHECK(bench.silent());
  bench.dispatcher.finish(ticket, effect);
  CHECK(bench.ackSays(R"("state":"done","result":{}})"));
  bench.dispatcher.finish(ticket, effect);
  CHECK(bench.silent());

  bench.receive(CommandText(2, "identify").text());
  CHECK(bench.ack());
  bench.restart();
  CHECK(bench.ackSays("\"t1\""));
  CHECK(bench.ackSays(R"("id":"t2","command":"identify","state":"failed","error":{"code":"interrupted","message":"the node restarted)"));
  bench.receive(CommandText(2, "identify").text());
  CHECK(bench.ackSays("interrupted"));
  bench.dispatcher.delivered(bench.token);
  bench.restart();
  bench.receive(CommandText(2, "identify").text());
  CHECK(bench.ack() && bench.ackSays("interrupted"));
  CHECK(bench.witness.runs[2] == 1);
}

static void overReboot(Check& check) {
  bench.fresh();
  bench.receive(CommandText(1, "reboot").text());
  CHECK(!bench.dispatcher.accepted(bench.hands.last));
  CHECK(bench.ackSays(R"("state":"accepted"})"));
  CHECK(bench.dispatcher.accepted(bench.hands.last));
  bench.receive(CommandText(1, "reboot").text());
  CHECK(bench.ackSays("\"accepted\""));
  bench.restart();
  CHECK(bench.ackSays(R"("command":"reboot","state":"done"})"));

  const CommandText update(2, "update_firmware",
                           R"(,"params":{"url":"https://h/fw?t=SECRET","board":"b","version":"1.0.0","size":9,"sha256":")"
                           R"(0123456789012345678901234567890123456789012345678901234567890123","signature":"QUJD"})");
  bench.receive(update.text());
  Ticket ticket = 0;
  CHECK(bench.ackSays("\"accepted\""));
  CHECK(Text(bench.witness.lastParams, bench.witness.lastParamsSize).size > 90);
  for (size_t i = 0; i + 6 <= bench.witness.lastParamsSize; i++) CHECK(memcmp(bench.witness.lastParams + i, "SECRET", 6) != 0);
  CHECK(!bench.dispatcher.pendingUpdate(ticket));
  bench.restart();
  CHECK(bench.ackSays("\"t1\"") && bench.silent());
  CHECK(bench.dispatcher.pendingUpdate(ticket));
  bench.receive(update.text());
  CHECK(bench.ackSays("\"accepted\""));
  bench.dispatcher.progress(ticket, 50);
  CHECK(bench.ackSays("\"progress\":50"));
  static Effect effect;
  effect = Effect();
  effect.fail(contract::CommandError::rolledBack, "it never reached the broker");
  bench.dispatcher.finish(ticket, effect);
  CHECK(bench.ackSays(R"("state":"failed","error":{"code":"rolled_back","message":"it never)"));
  CHECK(!bench.dispatcher.pendingUpdate(ticket));
  bench.restart();
  CHECK(bench.ack() && bench.ackSays("rolled_back"));
  CHECK(bench.witness.all == 2);

  // Of two unfinished updates the first is the one that the update machine knows.
  bench.fresh();
  bench.receive(update.text());
  const Ticket first = bench.hands.last;
  CommandText second = update;
  second.bytes[8] = '3';
  bench.receive(second.text());
  bench.restart();
  CHECK(bench.dispatcher.pendingUpdate(ticket) && ticket == first);
  CHECK(bench.ackSays("interrupted") && bench.says("\"t3\"") && bench.silent());
}

static void places(Check& check) {
  bench.fresh();
  // t0 runs on; 31 final ones fill the rest, and the oldest of those makes room.
  bench.receive(CommandText(0, "pulse_output", R"(,"params":{"name":"relay","ms":100})").text());
  for (uint32_t i = 1; i <= 32; i++) bench.receive(CommandText(i, "ping").text());
  while (bench.ack()) bench.dispatcher.delivered(bench.token);
  bench.receive(CommandText(2, "ping").text());
  CHECK(bench.ack() && bench.witness.runs[2] == 1);
  bench.receive(CommandText(1, "ping").text());
  CHECK(bench.ack() && bench.witness.runs[1] == 2);
  bench.receive(CommandText(2, "ping").text());
  CHECK(bench.ack() && bench.witness.runs[2] == 2);
  bench.receive(CommandText(0, "pulse_output", R"(,"params":{"name":"relay","ms":100})").text());
  CHECK(bench.ackSays("\"running\"") && bench.witness.runs[0] == 1);

  bench.fresh();
  for (uint32_t i = 0; i < 32; i++) bench.receive(CommandText(i, "identify").text());
  while (bench.ack()) continue;
  bench.receive(CommandText(32, "ping").text());
  CHECK(bench.ackSays(R"("id":"t32","command":"ping","state":"rejected","error":{"code":"busy")"));
  CHECK(bench.witness.runs[32] == 0);
  bench.dispatcher.step(5000);
  bench.receive(CommandText(32, "ping").text());
  CHECK(bench.witness.runs[32] == 1);
}

/** A final ack that nobody fetched yet, of a command that gives its place away. */
static void rescued(Check& check) {
  bench.fresh();
  for (uint32_t i = 0; i < 32; i++) bench.receive(CommandText(i, "ping").text());
  bench.receive(CommandText(32, "ping").text());
  bool first = false;
  uint32_t acks = 0;
  for (; bench.ack(); acks++) first = first || bench.says(R"("id":"t0","command":"ping","state":"done","result":{"uptime":7})");
  CHECK(first && acks == 33);
}

static void brokenFlash(Check& check) {
  bench.fresh();
  bench.flash.refuse(true);
  bench.receive(CommandText(1, "ping").text());
  CHECK(bench.ackSays(R"("state":"rejected","error":{"code":"hardware","message":"the flash did not take)"));
  CHECK(bench.witness.all == 0);
  bench.flash.refuse(false);
  bench.receive(CommandText(1, "ping").text());
  CHECK(bench.ack() && bench.witness.all == 1);
}

/** A hundred times the same command, with a restart after each: once. */
static void replayed(Check& check) {
  bench.fresh();
  for (int i = 0; i < 100; i++) {
    bench.receive(CommandText(1, "ping").text());
    CHECK(bench.ackSays("\"done\""));
    bench.restart();
  }
  CHECK(bench.witness.runs[1] == 1);
}

/** Ids and results at their longest, more than flash is given: the oldest keep how they ended, and nothing else. */
static void longOnes(Check& check) {
  bench.fresh();
  size_t most = 0;
  uint32_t trimmed = 0;
  for (int round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < 64; i++) {
      if (round == 1 && i < 32) continue;
      CommandText command(i, "get_status");
      // The id at its longest: 64 characters of three bytes each but for the number.
      command.size = 0;
      command.add("{\"id\":\"");
      const char digits[] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
      for (int j = 0; j < 62; j++) command.add("\xE2\x82\xAC");
      command.add(Text(digits, 2));
      command.add("\",\"command\":\"get_status\"}");
      bench.receive(command.text());
      CHECK(bench.ackSays("\"state\":\"done\""));
      const bool whole = bench.says("\"result\":11111");
      CHECK(whole || (round == 1 && i < 48));
      trimmed += whole ? 0 : 1;
      if (bench.flash.used() > most) most = bench.flash.used();
    }
    bench.restart();
  }
  CHECK(bench.witness.all == 64 && trimmed > 0);
  CHECK(most < 2 * sizes::kRememberedBytes + sizes::kRememberedLogBytes);
}

/** Commands without end: the log is written anew again and again, and stays small. */
static void wear(Check& check) {
  bench.fresh();
  size_t most = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    bench.receive(CommandText(i, "ping").text());
    while (bench.ack()) bench.dispatcher.delivered(bench.token);
    if (bench.flash.used() > most) most = bench.flash.used();
  }
  CHECK(most < 10000);
  CHECK(bench.flash.erases("cmd.a") + bench.flash.erases("cmd.b") < 60);
  CHECK(bench.flash.changes() < 3200);
  for (uint32_t i = 968; i < 1000; i++) {
    bench.receive(CommandText(i, "ping").text());
    CHECK(bench.ackSays("{\"uptime\":7}"));
  }
  CHECK(bench.witness.all == 1000);
}

static void testDispatcher(Check& check) {
  runsOnce(check);
  ignores(check);
  withoutId(check);
  deadlines(check);
  refusals(check);
  untilPuback(check);
  whileItRuns(check);
  overReboot(check);
  places(check);
  rescued(check);
  brokenFlash(check);
  replayed(check);
  longOnes(check);
  wear(check);
}

static const Unit unit("dispatcher", testDispatcher);
