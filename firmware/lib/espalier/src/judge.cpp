#include "espalier/inbox.h"
#include "sentence.h"

namespace espalier {
namespace {

using contract::Builtin;

bool numberIn(Json value, double low, double high) {
  if (!value.is(JsonKind::number)) return false;
  const double number = value.number();
  return number >= low && number <= high;
}

bool wholeIn(Json value, uint32_t low, uint32_t high) {
  uint32_t number = 0;
  return value.whole(high, number) && number >= low;
}

bool textIn(Json value, size_t shortest, size_t longest) {
  if (!value.is(JsonKind::string)) return false;
  const size_t characters = value.characters();
  return characters >= shortest && characters <= longest;
}

/** Every byte of a string is one of these, and there are `least` or more. */
template <typename Allowed>
bool madeOf(Json value, size_t least, size_t most, Allowed allowed) {
  if (!value.is(JsonKind::string)) return false;
  char text[contract::kUpdateTextBytes];
  const size_t length = value.string(text, sizeof text);
  if (length < least || length > most || length > sizeof text) return false;
  for (size_t i = 0; i < length; i++)
    if (!allowed(text, i, length)) return false;
  return true;
}

bool isHex(const char* text, size_t i, size_t) { return (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'); }

bool isBase64(const char* text, size_t i, size_t length) {
  const char c = text[i];
  if (c == '=') return i > 0 && i + 2 >= length && (i + 1 == length || text[i + 1] == '=');
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool isHttps(Json value) {
  if (!textIn(value, 8, contract::kUpdateTextBytes)) return false;
  char start[8];
  (void)value.string(start, sizeof start);
  return memcmp(start, "https://", sizeof start) == 0;
}

bool outputsGood(Json outputs) {
  if (!outputs.is(JsonKind::object)) return false;
  for (JsonWalk output(outputs); output.next();) {
    if (!output.value.is(JsonKind::object) || !numberIn(output.value.member("safe"), 0, 1)) return false;
    for (JsonWalk key(output.value); key.next();)
      if (!key.name.says("safe")) return false;
  }
  return true;
}

enum class Need : uint8_t { must, may };

/** One param of a built-in: the same names and bounds as `builtinCommands` of src/contract; vectors/command holds both to it. */
struct Rule {
  Builtin command;
  Text name;
  Need need;
  Text allowed;
  bool (*good)(Json);
};

constexpr Rule kRules[] = {
    {Builtin::setInterval, "seconds", Need::must, "a number from 0.1 to 86400", [](Json v) { return numberIn(v, 0.1, 86400); }},
    {Builtin::configure, "rev", Need::must, "a whole number from 0 to 4294967295",
     [](Json v) { return wholeIn(v, 0, UINT32_MAX); }},
    {Builtin::configure, "interval", Need::may, "a number from 0.1 to 86400", [](Json v) { return numberIn(v, 0.1, 86400); }},
    {Builtin::configure, "outputs", Need::may, "an object of {\"safe\": a number from 0 to 1} by name", outputsGood},
    {Builtin::configure, "safe_after", Need::may, "a number from 0 to 86400", [](Json v) { return numberIn(v, 0, 86400); }},
    {Builtin::setLed, "state", Need::must, "\"on\" or \"off\"", [](Json v) { return v.says("on") || v.says("off"); }},
    {Builtin::setLed, "brightness", Need::may, "a whole number from 0 to 255", [](Json v) { return wholeIn(v, 0, 255); }},
    {Builtin::setOutput, "name", Need::must, "a text of 1 to 64 characters",
     [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::setOutput, "value", Need::must, "a number from 0 to 1", [](Json v) { return numberIn(v, 0, 1); }},
    {Builtin::pulseOutput, "name", Need::must, "a text of 1 to 64 characters",
     [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::pulseOutput, "ms", Need::must, "a whole number from 1 to 60000", [](Json v) { return wholeIn(v, 1, 60000); }},
    {Builtin::identify, "seconds", Need::may, "a number from 1 to 60", [](Json v) { return numberIn(v, 1, 60); }},
    {Builtin::updateFirmware, "url", Need::must, "a text of at most 512 characters beginning with https://", isHttps},
    {Builtin::updateFirmware, "board", Need::must, "a text of 1 to 64 characters",
     [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::updateFirmware, "version", Need::must, "a text of 1 to 64 characters",
     [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::updateFirmware, "size", Need::must, "a whole number from 1 to 4294967295",
     [](Json v) { return wholeIn(v, 1, UINT32_MAX); }},
    {Builtin::updateFirmware, "sha256", Need::must, "64 digits 0-9 a-f", [](Json v) { return madeOf(v, 64, 64, isHex); }},
    {Builtin::updateFirmware, "signature", Need::must, "base64",
     [](Json v) { return madeOf(v, 1, contract::kUpdateTextBytes, isBase64); }},
    {Builtin::updateFirmware, "force", Need::may, "true or false", [](Json v) { return v.is(JsonKind::boolean); }},
};

bool findBuiltin(Text wanted, Builtin& out) {
  for (size_t i = 0; i < contract::kBuiltins; i++) {
    if (!contract::kBuiltinNames[i].equals(wanted)) continue;
    out = static_cast<Builtin>(i);
    return true;
  }
  return false;
}

const Rule* ruleOf(Builtin command, Json name) {
  for (const Rule& rule : kRules)
    if (rule.command == command && name.says(rule.name)) return &rule;
  return nullptr;
}

const Rule* brokenRule(Builtin command, Json params) {
  for (const Rule& rule : kRules) {
    if (rule.command != command) continue;
    const Json value = params.member(rule.name);
    const bool absent = value.is(JsonKind::absent);
    if (absent ? rule.need == Need::must : !rule.good(value)) return &rule;
  }
  return nullptr;
}

/** `configure` is open: a firmware adds keys of its own. */
Json unknownKey(Builtin command, Json params) {
  if (command == Builtin::configure) return Json();
  for (JsonWalk walk(params); walk.next();)
    if (ruleOf(command, walk.name) == nullptr) return walk.name;
  return Json();
}

/** A value as a person may see it: short ones as they came, the others by their kind. */
void sayValue(Sentence& sentence, Json value) {
  constexpr Text kKinds[] = {"missing", "null", "a boolean", "a number", "a text", "a list", "an object"};
  constexpr size_t kShort = 24;
  const JsonKind kind = value.kind();
  const bool small = kind != JsonKind::absent && kind != JsonKind::array && kind != JsonKind::object && value.raw().size <= kShort;
  sentence.say(small ? value.raw() : kKinds[static_cast<size_t>(kind)]);
}

}  // namespace

Judgement judgeBuiltin(const Command& command, Builtin& out) {
  if (!findBuiltin(command.name.text(), out)) return Judgement::unknownCommand;
  if (command.params.is(JsonKind::absent)) return brokenRule(out, Json()) == nullptr ? Judgement::good : Judgement::badParams;
  if (!command.params.is(JsonKind::object)) return Judgement::badParams;
  if (brokenRule(out, command.params) != nullptr) return Judgement::badParams;
  return unknownKey(out, command.params).is(JsonKind::absent) ? Judgement::good : Judgement::badParams;
}

void explain(const Command& command, Judgement judged, Builtin builtin, Text own, char* out, size_t room) {
  Sentence sentence(out, room);
  if (judged == Judgement::unknownCommand) {
    sentence.say("no command of this node, allowed: ");
    for (size_t i = 0; i < contract::kBuiltins; i++) sentence.say(i > 0 ? Text(",") : Text()).say(contract::kBuiltinNames[i]);
    if (own.size > 0) sentence.say(",").say(own);
    return;
  }
  const Json params = command.params.is(JsonKind::object) ? command.params : Json();
  const Rule* rule = brokenRule(builtin, params);
  if (!command.params.is(JsonKind::absent) && !command.params.is(JsonKind::object)) {
    sentence.say("params is ");
    sayValue(sentence, command.params);
    sentence.say(", allowed: an object");
  } else if (rule != nullptr) {
    sentence.say(rule->name).say(" is ");
    sayValue(sentence, params.member(rule->name));
    sentence.say(", allowed: ").say(rule->allowed);
  } else {
    const Json key = unknownKey(builtin, params);
    sayValue(sentence, key);
    sentence.say(" is no param of this command, allowed: ");
    bool any = false;
    for (const Rule& other : kRules) {
      if (other.command != builtin) continue;
      sentence.say(any ? Text(",") : Text()).say(other.name);
      any = true;
    }
    if (!any) sentence.say("none");
  }
  sentence.say(" (").say(command.name.text()).say(")");
}

}  // namespace espalier
