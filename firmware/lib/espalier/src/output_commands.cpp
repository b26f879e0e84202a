#include "espalier/output_commands.h"

#include "espalier/json_writer.h"
#include "sentence.h"

namespace espalier {
namespace {

using contract::Builtin;
using contract::CommandError;

constexpr double kIdentifyS = 10;

/** Numbers between 0 and 1, or of seconds, to the thousandth: what a person could mean by one. */
int64_t thousandths(double value) {
  const double scaled = value * 1000;
  const auto whole = static_cast<int64_t>(scaled);
  return scaled - static_cast<double>(whole) >= 0.5 ? whole + 1 : whole;
}

/** A name as it is compared: longer ones than any output has are none. */
struct Name {
  char bytes[contract::kShortBytes] = {};
  size_t size;
  explicit Name(Json value) : size(value.string(bytes, sizeof bytes)) {}
  [[nodiscard]] Text text() const { return Text(bytes, size); }
};

JsonWriter writer(Effect& effect) { return JsonWriter(effect.result, sizeof effect.result - 1); }

void told(Effect& effect, Outputs::Set set) {
  if (set == Outputs::Set::done) return;
  effect.result[0] = '\0';
  effect.fail(CommandError::hardware, "the output did not take the value; check its wiring and supply");
}

}  // namespace

bool OutputCommands::has(Builtin builtin) {
  return builtin == Builtin::setLed || builtin == Builtin::setOutput || builtin == Builtin::pulseOutput || builtin == Builtin::identify;
}

bool OutputCommands::refuses(Builtin builtin, const Command& command, Effect& why) const {
  if (builtin == Builtin::configure) {
    const Json outputs = command.params.member("outputs");
    if (!outputs.is(JsonKind::object)) return false;
    for (JsonWalk walk(outputs); walk.next();)
      if (unknown(walk.name, why)) return true;
    return false;
  }
  if (builtin != Builtin::setOutput && builtin != Builtin::pulseOutput) return false;
  const Json name = command.params.member("name");
  if (unknown(name, why)) return true;
  if (builtin == Builtin::setOutput || !outputs_.pulsing(Name(name).text())) return false;
  why.error = CommandError::busy;
  why.say("this output is in a pulse already; try again when it is over");
  return true;
}

bool OutputCommands::unknown(Json name, Effect& why) const {
  const Name wanted(name);
  if (outputs_.find(wanted.text()) < outputs_.count()) return false;
  why.error = CommandError::badParams;
  Sentence sentence(why.message, sizeof why.message);
  sentence.say(beginning(wanted.text(), 64)).say(" is no output of this node, allowed: ");
  if (outputs_.count() == 0) sentence.say("none, it has no outputs");
  for (size_t i = 0; i < outputs_.count(); i++) sentence.say(i > 0 ? Text(", ") : Text()).say(outputs_.name(i));
  return true;
}

void OutputCommands::execute(Builtin builtin, const Command& command, uint64_t nowMs, Effect& effect) {
  const Json params = command.params;
  switch (builtin) {
    case Builtin::setLed:
      return setLed(params, nowMs, effect);
    case Builtin::setOutput: {
      const Name name(params.member("name"));
      const double value = params.member("value").number();
      writer(effect).raw("{\"name\":").string(name.text()).raw(",\"value\":").scaled(thousandths(value), 3).raw("}");
      return told(effect, outputs_.set(name.text(), value));
    }
    case Builtin::pulseOutput: {
      const Name name(params.member("name"));
      uint32_t ms = 0;
      (void)params.member("ms").whole(UINT32_MAX, ms);
      effect.outcome = Outcome::later;
      effect.forMs = ms;
      writer(effect).raw("{\"name\":").string(name.text()).raw(",\"ms\":").whole(ms).raw("}");
      return told(effect, outputs_.pulse(name.text(), ms, nowMs));
    }
    case Builtin::identify: {
      const Json seconds = params.member("seconds");
      const int64_t ms = thousandths(seconds.is(JsonKind::number) ? seconds.number() : kIdentifyS);
      effect.outcome = Outcome::later;
      effect.forMs = static_cast<uint32_t>(ms);
      writer(effect).raw("{\"seconds\":").scaled(ms, 3).raw("}");
      return indicator_.identify(effect.forMs, nowMs);
    }
    default:
      return;
  }
}

void OutputCommands::setLed(Json params, uint64_t nowMs, Effect& effect) {
  const bool on = params.member("state").says("on");
  uint32_t brightness = indicator_.brightness() > 0 ? indicator_.brightness() : UINT8_MAX;
  (void)params.member("brightness").whole(UINT8_MAX, brightness);
  if (!on) brightness = 0;
  indicator_.set(static_cast<uint8_t>(brightness), nowMs);
  writer(effect).raw("{\"state\":").string(on ? Text("on") : Text("off")).raw(",\"brightness\":").whole(brightness).raw("}");
}

}  // namespace espalier
