#include "dispatcher_case.h"

namespace espalier {

using contract::AckState;

void Dispatcher::executeLoose(const Case& c) {
  LooseAnswers::Answer* answer = loose_.begin(Text(), c.command.name.text());
  if (answer == nullptr) {
    // Nobody could be told what it did.
    ignored_++;
    return;
  }
  const Ticket ticket = answer->ticket;
  run(c, ticket);
  // Whoever executes may have ended it already.
  answer = loose_.find(ticket);
  if (answer == nullptr || isFinal(answer->state)) return;
  switch (effect_.outcome) {
    case Outcome::done:
    case Outcome::failed:
      settleLoose(*answer, effect_.outcome == Outcome::done ? AckState::done : AckState::failed, effect_);
      return loose_.fit(*answer);
    case Outcome::later:
      settleLoose(*answer, AckState::running, effect_);
      if (effect_.forMs == 0) return;
      answer->endMs = c.nowMs + effect_.forMs;
      return loose_.fit(*answer);
    case Outcome::reboots:
      answer->due = true;
  }
}

void Dispatcher::settleLoose(LooseAnswers::Answer& answer, AckState state, const Effect& effect) {
  loose_.settle(answer, state, effect.error, textOf(effect.result), textOf(effect.message));
}

void Dispatcher::answerLoose(const Command& command, AckState state) {
  LooseAnswers::Answer* answer = loose_.begin(command.id.text(), command.name.text());
  if (answer == nullptr) {
    // It comes again, and may find room then.
    ignored_++;
    return;
  }
  settleLoose(*answer, state, effect_);
  loose_.fit(*answer);
}

/** The final ack of a command that gives its place away was never handed over: it goes on without a place. */
void Dispatcher::rescue(uint8_t place) {
  CommandRecord texts;
  if (!memory_.read(place, texts)) return;
  LooseAnswers::Answer* answer = loose_.begin(texts.id, texts.name);
  if (answer == nullptr) return;
  loose_.settle(*answer, memory_.at(place).state, memory_.at(place).error, texts.result, texts.message);
  loose_.fit(*answer);
}

}  // namespace espalier
