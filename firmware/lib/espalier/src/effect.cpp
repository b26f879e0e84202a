#include "espalier/dispatcher.h"
#include "sentence.h"

namespace espalier {

void Effect::clear() {
  outcome = Outcome::done;
  error = contract::CommandError::hardware;
  forMs = 0;
  memset(message, 0, sizeof message);
  memset(result, 0, sizeof result);
}

void Effect::say(Text text) { Sentence(message, sizeof message).say(text); }

void Effect::fail(contract::CommandError code, Text text) {
  outcome = Outcome::failed;
  error = code;
  say(text);
}

}  // namespace espalier
