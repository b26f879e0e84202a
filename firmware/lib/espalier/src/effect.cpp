#include "espalier/dispatcher.h"
#include "sentence.h"

namespace espalier {

void Effect::say(Text text) { Sentence(message, sizeof message).say(text); }

void Effect::fail(contract::CommandError code, Text text) {
  outcome = Outcome::failed;
  error = code;
  say(text);
}

}  // namespace espalier
