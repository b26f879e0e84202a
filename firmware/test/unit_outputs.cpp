#include "check.h"
#include "espalier/output_commands.h"

using namespace espalier;
using namespace espalier::test;

namespace {

class Pin final : public Output {
 public:
  explicit Pin(Text pinName) : name_(pinName) {}
  [[nodiscard]] Text name() override { return name_; }
  [[nodiscard]] bool set(double value) override {
    asked++;
    if (stuck) return false;
    level = value;
    return true;
  }
  double level = -1;
  uint32_t asked = 0;
  bool stuck = false;

 private:
  Text name_;
};

class Lamp final : public Led {
 public:
  void set(uint8_t brightness) override {
    level = brightness;
    changes++;
  }
  uint8_t level = 77;
  uint32_t changes = 0;
};

/** Whole values, as the tests set them. */
bool is(const Pin& pin, int value) { return static_cast<int>(pin.level * 1000) == value * 1000; }

Effect effect;

struct Bench {
  Pin relay{"relay"};
  Pin pump{"pump"};
  Output* const list[2] = {&relay, &pump};
  Lamp lamp;
  Outputs outputs{list, 2};
  Indicator indicator{lamp};
  OutputCommands commands{outputs, indicator};

  Bench() {
    Configuration configuration;
    configuration.safe[1] = 1;
    configuration.safeAfterS = 60;
    outputs.begin(configuration, 1000);
    indicator.begin();
  }
  /** Does it as the node would: the command's result, or its message. */
  Text run(Text payload, uint64_t nowMs) {
    Command command;
    contract::Builtin builtin = contract::Builtin::ping;
    effect = Effect();
    if (!readCommand(payload, command) || judgeBuiltin(command, builtin) != Judgement::good) return "not good";
    if (commands.refuses(builtin, command, effect)) return Text(effect.message, strlen(effect.message));
    commands.execute(builtin, command, nowMs, effect);
    const char* said = effect.outcome == Outcome::failed ? effect.message : effect.result;
    return Text(said, strlen(said));
  }
};

}  // namespace

static void safe(Check& check) {
  Bench b;
  CHECK(is(b.relay, 0) && is(b.pump, 1));
  b.outputs.connected(true, 2000);
  CHECK(b.outputs.set("relay", 1) == Outputs::Set::done && b.outputs.set("pump", 0) == Outputs::Set::done);
  b.outputs.step(500000);
  CHECK(is(b.relay, 1) && is(b.pump, 0));
  b.outputs.connected(false, 600000);
  CHECK(b.outputs.pulse("relay", 60000, 600000) == Outputs::Set::done);
  b.outputs.connected(false, 630000);
  b.outputs.step(659999);
  CHECK(is(b.relay, 1) && is(b.pump, 0) && b.outputs.pulsing("relay"));
  b.outputs.step(660000);
  CHECK(is(b.relay, 0) && is(b.pump, 1) && !b.outputs.pulsing("relay"));
  const uint32_t asked = b.relay.asked;
  b.outputs.step(700000);
  CHECK(b.relay.asked == asked);
  b.outputs.connected(true, 700001);
  CHECK(b.outputs.set("relay", 1) == Outputs::Set::done);
  b.outputs.connected(false, 700002);
  b.outputs.step(759000);
  CHECK(is(b.relay, 1));

  // Back in time: the clock of the absence starts anew.
  b.outputs.connected(true, 759001);
  b.outputs.connected(false, 759002);
  b.outputs.step(800000);
  CHECK(is(b.relay, 1));

  // Another safe value counts from the next absence on, also where the old one was put already.
  b.outputs.step(819002);
  CHECK(is(b.relay, 0));
  Configuration other;
  other.safeAfterS = 60;
  other.safe[0] = 1;
  b.outputs.configure(other);
  b.outputs.step(819003);
  CHECK(is(b.relay, 1));

  // Five minutes where nothing was configured, and none at all where that was.
  Configuration usual;
  b.outputs.connected(true, 900000);
  CHECK(b.outputs.set("relay", 1) == Outputs::Set::done);
  b.outputs.configure(usual);
  b.outputs.connected(false, 900001);
  b.outputs.step(1200000);
  CHECK(is(b.relay, 1));
  b.outputs.step(1200001);
  CHECK(is(b.relay, 0));
  b.outputs.connected(true, 1300000);
  CHECK(b.outputs.set("relay", 1) == Outputs::Set::done);
  usual.safeAfterS = 0;
  b.outputs.configure(usual);
  b.outputs.step(1300001);
  CHECK(is(b.relay, 1));
  b.outputs.connected(false, 1300002);
  b.outputs.step(1300002);
  CHECK(is(b.relay, 0));
}

static void stuck(Check& check) {
  Bench b;
  b.relay.stuck = true;
  CHECK(b.outputs.set("relay", 1) == Outputs::Set::hardware);
  CHECK(b.outputs.set("fan", 1) == Outputs::Set::unknownName);
  b.relay.stuck = false;
  CHECK(b.outputs.pulse("relay", 10, 0) == Outputs::Set::done);
  b.relay.stuck = true;
  b.outputs.step(10);
  CHECK(is(b.relay, 1));
  b.relay.stuck = false;
  b.outputs.step(11);
  CHECK(is(b.relay, 0) && !b.outputs.pulsing("relay"));
}

static void byCommand(Check& check) {
  Bench b;
  b.outputs.connected(true, 1000);
  CHECK(b.run(R"({"command":"set_output","params":{"name":"relay","value":1}})", 0).equals(R"({"name":"relay","value":1})"));
  CHECK(is(b.relay, 1));
  CHECK(b.run(R"({"command":"set_output","params":{"name":"relay","value":0.25}})", 0).equals(R"({"name":"relay","value":0.25})"));
  CHECK(b.run(R"({"command":"set_output","params":{"name":"fan","value":1}})", 0).equals("fan is no output of this node, allowed: relay, pump"));
  CHECK(effect.error == contract::CommandError::badParams);
  CHECK(b.run(R"({"command":"pulse_output","params":{"name":"relay","ms":500}})", 100).equals(R"({"name":"relay","ms":500})"));
  CHECK(effect.outcome == Outcome::later && effect.forMs == 500 && is(b.relay, 1));
  CHECK(b.run(R"({"command":"pulse_output","params":{"name":"relay","ms":500}})", 200).size > 20);
  CHECK(effect.error == contract::CommandError::busy);
  b.outputs.step(599);
  CHECK(is(b.relay, 1));
  b.outputs.step(600);
  CHECK(is(b.relay, 0));
  CHECK(b.run(R"({"command":"pulse_output","params":{"name":"relay","ms":500}})", 700).equals(R"({"name":"relay","ms":500})"));
  CHECK(b.run(R"({"command":"set_output","params":{"name":"relay","value":1}})", 800).size > 0);
  b.outputs.step(2000);
  CHECK(is(b.relay, 1));
  CHECK(b.run(R"({"command":"configure","params":{"rev":1,"outputs":{"pump":{"safe":0},"fan":{"safe":0}}}})", 0)
            .equals("fan is no output of this node, allowed: relay, pump"));
  CHECK(b.run(R"({"command":"configure","params":{"rev":1,"outputs":{"pump":{"safe":0}}}})", 0).size == 0);
  b.pump.stuck = true;
  CHECK(b.run(R"({"command":"set_output","params":{"name":"pump","value":1}})", 0).equals("the output did not take the value; check its wiring and supply"));
  CHECK(effect.outcome == Outcome::failed && effect.error == contract::CommandError::hardware && effect.result[0] == '\0');

  const Outputs none(nullptr, 0);
  CHECK(none.find("relay") == none.count());
}

static void light(Check& check) {
  Bench b;
  CHECK(b.lamp.level == 0);
  CHECK(b.run(R"({"command":"set_led","params":{"state":"on"}})", 0).equals(R"({"state":"on","brightness":255})"));
  CHECK(b.run(R"({"command":"set_led","params":{"state":"on","brightness":128}})", 0).equals(R"({"state":"on","brightness":128})"));
  CHECK(b.lamp.level == 128);
  CHECK(b.run(R"({"command":"set_led","params":{"state":"on"}})", 0).equals(R"({"state":"on","brightness":128})"));

  // Blinks over what is set, and goes back to it.
  CHECK(b.run(R"({"command":"identify","params":{"seconds":2.5}})", 1000).equals(R"({"seconds":2.5})"));
  CHECK(effect.outcome == Outcome::later && effect.forMs == 2500);
  const uint32_t before = b.lamp.changes;
  bool dark = false;
  for (uint64_t now = 1000; now < 3500; now += 10) {
    b.indicator.step(now);
    dark = dark || b.lamp.level == 0;
    CHECK(b.indicator.identifying());
  }
  CHECK(dark && b.lamp.changes - before == 19);
  b.indicator.step(3500);
  CHECK(!b.indicator.identifying() && b.lamp.level == 128);

  // What is set meanwhile shows afterwards; a shorter one does not end it sooner.
  CHECK(b.run(R"({"command":"identify"})", 4000).equals(R"({"seconds":10})"));
  CHECK(b.run(R"({"command":"identify","params":{"seconds":1}})", 5000).equals(R"({"seconds":1})"));
  CHECK(b.run(R"({"command":"set_led","params":{"state":"off"}})", 5500).equals(R"({"state":"off","brightness":0})"));
  b.indicator.step(13999);
  CHECK(b.indicator.identifying());
  b.indicator.step(14000);
  CHECK(!b.indicator.identifying() && b.lamp.level == 0);
  const uint32_t quiet = b.lamp.changes;
  b.indicator.step(20000);
  CHECK(b.lamp.changes == quiet);
}

static void testOutputs(Check& check) {
  safe(check);
  stuck(check);
  byCommand(check);
  light(check);
}

static const Unit unit("outputs", testOutputs);
