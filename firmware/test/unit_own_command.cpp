#include "check.h"
#include "espalier/own_command.h"

using namespace espalier;

namespace {

/** water litres=2 */
class Water final : public OwnCommand {
 public:
  [[nodiscard]] Text name() override { return "water"; }
  [[nodiscard]] bool refuses(Json params, Effect& why) override {
    uint32_t litres = 0;
    if (params.member("litres").whole(9, litres)) return false;
    if (!params.member("silent").is(JsonKind::absent)) return true;
    why.say("litres: a whole number up to 9");
    return true;
  }
  void execute(Json params, Effect&) override {
    uint32_t litres = 0;
    (void)params.member("litres").whole(9, litres);
    poured += litres;
  }
  uint32_t poured = 0;
};

class Beep final : public OwnCommand {
 public:
  [[nodiscard]] Text name() override { return "beep"; }
  [[nodiscard]] bool refuses(Json, Effect&) override { return false; }
  void execute(Json, Effect& effect) override {
    effect.outcome = Outcome::later;
    effect.forMs = 500;
  }
};

bool says(const Effect& effect, const char* text) { return strcmp(effect.message, text) == 0; }

void testOwnCommand(test::Check& check) {
  Water water;
  Beep beep;
  OwnCommand* const list[] = {&water, &beep};
  const OwnCommands own(list, 2);
  CHECK(own.owns("water") && own.owns("beep") && !own.owns("wat") && !own.owns("ping"));
  CHECK(own.names().equals("water,beep"));

  Command command;
  Effect effect;
  CHECK(readCommand(R"({"command":"water","params":{"litres":2}})", command));
  CHECK(!own.refuses(command, effect));
  own.execute(command, effect);
  CHECK(water.poured == 2 && effect.outcome == Outcome::done);

  CHECK(readCommand(R"({"command":"water","params":{"litres":10}})", command));
  CHECK(own.refuses(command, effect));
  CHECK(effect.error == contract::CommandError::badParams && says(effect, "litres: a whole number up to 9"));
  // Whoever says nothing is spoken for.
  effect = Effect();
  CHECK(readCommand(R"({"command":"water","params":{"silent":1}})", command));
  CHECK(own.refuses(command, effect) && says(effect, "these params are not allowed"));
  // Without params they are {}.
  effect = Effect();
  CHECK(readCommand(R"({"command":"water"})", command));
  CHECK(own.refuses(command, effect) && water.poured == 2);

  effect = Effect();
  CHECK(readCommand(R"({"command":"beep"})", command));
  CHECK(!own.refuses(command, effect));
  own.execute(command, effect);
  CHECK(effect.outcome == Outcome::later && effect.forMs == 500);

  const OwnCommands none(nullptr, 0);
  CHECK(!none.owns("water") && none.names().size == 0 && !none.refuses(command, effect));
}

const test::Unit unit("own_command", testOwnCommand);

}  // namespace
