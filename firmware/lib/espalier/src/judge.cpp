#include "espalier/inbox.h"

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
  bool (*good)(Json);
};

constexpr Rule kRules[] = {
    {Builtin::setInterval, "seconds", Need::must, [](Json v) { return numberIn(v, 0.1, 86400); }},
    {Builtin::configure, "rev", Need::must, [](Json v) { return wholeIn(v, 0, UINT32_MAX); }},
    {Builtin::configure, "interval", Need::may, [](Json v) { return numberIn(v, 0.1, 86400); }},
    {Builtin::configure, "outputs", Need::may, outputsGood},
    {Builtin::configure, "safe_after", Need::may, [](Json v) { return numberIn(v, 0, 86400); }},
    {Builtin::setLed, "state", Need::must, [](Json v) { return v.says("on") || v.says("off"); }},
    {Builtin::setLed, "brightness", Need::may, [](Json v) { return wholeIn(v, 0, 255); }},
    {Builtin::setOutput, "name", Need::must, [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::setOutput, "value", Need::must, [](Json v) { return numberIn(v, 0, 1); }},
    {Builtin::pulseOutput, "name", Need::must, [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::pulseOutput, "ms", Need::must, [](Json v) { return wholeIn(v, 1, 60000); }},
    {Builtin::identify, "seconds", Need::may, [](Json v) { return numberIn(v, 1, 60); }},
    {Builtin::updateFirmware, "url", Need::must, isHttps},
    {Builtin::updateFirmware, "board", Need::must, [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::updateFirmware, "version", Need::must, [](Json v) { return textIn(v, 1, contract::kShortCharacters); }},
    {Builtin::updateFirmware, "size", Need::must, [](Json v) { return wholeIn(v, 1, UINT32_MAX); }},
    {Builtin::updateFirmware, "sha256", Need::must, [](Json v) { return madeOf(v, 64, 64, isHex); }},
    {Builtin::updateFirmware, "signature", Need::must, [](Json v) { return madeOf(v, 1, contract::kUpdateTextBytes, isBase64); }},
    {Builtin::updateFirmware, "force", Need::may, [](Json v) { return v.is(JsonKind::boolean); }},
};

bool findBuiltin(Text wanted, Builtin& out) {
  for (size_t i = 0; i < contract::kBuiltins; i++) {
    if (!contract::kBuiltinNames[i].equals(wanted)) continue;
    out = static_cast<Builtin>(i);
    return true;
  }
  return false;
}

/** `configure` is open: a firmware adds keys of its own. */
bool knownKeysOnly(Builtin command, Json params) {
  if (command == Builtin::configure) return true;
  for (JsonWalk walk(params); walk.next();) {
    bool known = false;
    for (const Rule& rule : kRules) known = known || (rule.command == command && walk.name.says(rule.name));
    if (!known) return false;
  }
  return true;
}

}  // namespace

Judgement judgeBuiltin(const Command& command, Builtin& out) {
  if (!findBuiltin(command.name.text(), out)) return Judgement::unknownCommand;
  const bool none = command.params.is(JsonKind::absent);
  if (!none && !command.params.is(JsonKind::object)) return Judgement::badParams;
  for (const Rule& rule : kRules) {
    if (rule.command != out) continue;
    const Json value = command.params.member(rule.name);
    const bool absent = value.is(JsonKind::absent);
    if (absent ? rule.need == Need::must : !rule.good(value)) return Judgement::badParams;
  }
  return none || knownKeysOnly(out, command.params) ? Judgement::good : Judgement::badParams;
}

}  // namespace espalier
