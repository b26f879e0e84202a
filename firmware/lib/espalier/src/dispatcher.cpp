#include "dispatcher_case.h"
#include "espalier/crc32.h"
#include "public_params.h"

namespace espalier {

using contract::AckState;
using contract::Builtin;
using contract::CommandError;

namespace {

/** CRC-32 of command and params as they came, to the byte. */
uint32_t crcAsReceived(Text payload) {
  Json object;
  if (readObject(payload, contract::kCommandBytes, object) != JsonFault::none) return 0;
  const Text name = object.member("command").raw();
  const Text params = object.member("params").raw();
  const uint8_t between = '\n';
  uint32_t crc = crc32(Span(reinterpret_cast<const uint8_t*>(name.data), name.size));
  crc = crc32(Span(&between, 1), crc);
  return crc32(Span(reinterpret_cast<const uint8_t*>(params.data), params.size), crc);
}

bool isExpired(const Command& command, int64_t unixMs) {
  return command.hasExpires && unixMs > 0 && static_cast<double>(unixMs) / 1000 > command.expires;
}

}  // namespace

void Dispatcher::begin(uint32_t boot) {
  boot_ = boot;
  memory_.begin();
  loose_.clear();
  const uint8_t update = oldestUpdate();
  for (uint8_t place = 0; place < CommandMemory::kPlaces; place++) {
    runs_[place] = Run();
    CommandPlace& known = memory_.at(place);
    if (known.size == 0 || isFinal(known.state)) continue;
    // How it ended follows from what stands in flash, so nothing is written until somebody has heard it.
    if (place == update) continue;
    known.hasError = known.builtin != static_cast<uint8_t>(Builtin::reboot);
    known.state = known.hasError ? AckState::failed : AckState::done;
    known.error = CommandError::interrupted;
    // An update beside the one that goes on would be taken for it once that one has its end.
    if (known.builtin == static_cast<uint8_t>(Builtin::updateFirmware)) (void)memory_.mark(place);
  }
}

void Dispatcher::receive(Text payload, const Arrival& arrival) {
  Command command;
  if (!readCommand(payload, command) || arrival.retained || (command.id.size == 0 && arrival.duplicate)) {
    ignored_++;
    return;
  }
  Case c = {command, arrival.nowMs, crcAsReceived(payload), Builtin::ping, false};
  const uint8_t known = command.id.size == 0 ? CommandMemory::kNone : memory_.find(command.id.text());
  if (known != CommandMemory::kNone) return repeat(known, c);
  effect_.clear();
  if (isExpired(command, arrival.unixMs)) {
    effect_.fail(CommandError::expired, "it arrived after its deadline and was not run");
    return turnDown(c, AckState::expired);
  }
  c.own = executor_.owns(command.name.text());
  if (refused(c, judge(c))) return turnDown(c, AckState::rejected);
  if (command.id.size > 0) execute(c);
  else executeLoose(c);
}

void Dispatcher::repeat(uint8_t place, const Case& c) {
  if (memory_.at(place).crc == c.crc) {
    runs_[place].due = true;
    return;
  }
  effect_.clear();
  effect_.fail(CommandError::idReused, "this id was used for another command or other params; send it with a new id");
  answerLoose(c.command, AckState::rejected);
}

Judgement Dispatcher::judge(Case& c) { return c.own ? Judgement::good : judgeBuiltin(c.command, c.builtin); }

bool Dispatcher::refused(const Case& c, Judgement judged) {
  if (judged == Judgement::good) {
    if (!(c.own ? executor_.refusesOwn(c.command, c.nowMs, effect_) : executor_.refuses(c.builtin, c.command, c.nowMs, effect_)))
      return false;
    effect_.outcome = Outcome::failed;
    return true;
  }
  effect_.outcome = Outcome::failed;
  effect_.error = judged == Judgement::badParams ? CommandError::badParams : CommandError::unknownCommand;
  explain(c.command, judged, c.builtin, executor_.ownNames(), effect_.message, sizeof effect_.message);
  return true;
}

/** A final answer without execution, remembered like any other. */
void Dispatcher::turnDown(const Case& c, AckState state) {
  const uint8_t place = c.command.id.size == 0 ? CommandMemory::kNone : memory_.room();
  if (place == CommandMemory::kNone || !remember(place, c, state)) answerLoose(c.command, state);
}

bool Dispatcher::remember(uint8_t place, const Case& c, AckState state) {
  CommandPlace what;
  what.crc = c.crc;
  what.builtin = c.code();
  what.state = state;
  what.hasError = isFinal(state);
  what.error = effect_.error;
  CommandRecord record;
  record.id = c.command.id.text();
  record.name = c.command.name.text();
  record.message = textOf(effect_.message);
  if (runs_[place].due) rescue(place);
  if (!memory_.put(place, what, record)) return false;
  runs_[place] = Run();
  runs_[place].due = true;
  runs_[place].here = true;
  return true;
}

void Dispatcher::execute(const Case& c) {
  const uint8_t place = memory_.room();
  if (place == CommandMemory::kNone) {
    effect_.fail(CommandError::busy, "all 32 places for commands are taken by ones that still run; wait until one is done");
    return answerLoose(c.command, AckState::rejected);
  }
  if (!remember(place, c, AckState::accepted)) {
    effect_.fail(CommandError::hardware, "the flash did not take the command, so it was not run; send it again");
    return answerLoose(c.command, AckState::rejected);
  }
  run(c, ticketOf(place));
  switch (effect_.outcome) {
    case Outcome::done:
      return settle(place, AckState::done);
    case Outcome::failed:
      return settle(place, AckState::failed);
    case Outcome::later:
      runs_[place].endMs = effect_.forMs > 0 ? c.nowMs + effect_.forMs : 0;
      return settle(place, AckState::running);
    case Outcome::reboots:
      break;
  }
}

void Dispatcher::run(const Case& c, Ticket ticket) {
  // The result's room serves first for what the log may show.
  const Text params = publicParams(c.command, effect_.result, sizeof effect_.result);
  system_.executing(c.command.id.text(), c.command.name.text(), params, boot_);
  effect_.clear();
  if (c.own) executor_.executeOwn(c.command, ticket, c.nowMs, effect_);
  else executor_.execute(c.builtin, c.command, ticket, c.nowMs, effect_);
}

void Dispatcher::settle(uint8_t place, AckState state) {
  CommandPlace known = memory_.at(place);
  known.state = state;
  known.hasError = state == AckState::failed;
  known.error = effect_.error;
  runs_[place].due = true;
  if (isFinal(state)) runs_[place].endMs = 0;
  // `running` itself says nothing that the record before does not: only a result that is known already must be kept for the end.
  if (state == AckState::running && effect_.result[0] == '\0') {
    memory_.at(place).state = state;
    return;
  }
  if (!memory_.extend(place, known, textOf(effect_.result), textOf(effect_.message)))
    system_.log("command: the flash did not take how it ended; after a restart it will be told as interrupted");
}

void Dispatcher::step(uint64_t nowMs) {
  for (uint8_t place = 0; place < CommandMemory::kPlaces; place++) {
    Run& run = runs_[place];
    if (run.endMs == 0 || run.endMs > nowMs) continue;
    run.endMs = 0;
    run.due = true;
    run.hasProgress = false;
    memory_.at(place).state = AckState::done;
    if (!memory_.mark(place)) system_.log("command: the flash did not take that it is done; after a restart it will be told as interrupted");
  }
  for (LooseAnswers::Answer* answer = loose_.next(nullptr); answer != nullptr; answer = loose_.next(answer)) {
    if (answer->endMs == 0 || answer->endMs > nowMs) continue;
    answer->endMs = 0;
    answer->state = AckState::done;
    answer->due = true;
  }
}

void Dispatcher::finish(Ticket ticket, const Effect& effect) {
  const AckState state = effect.outcome == Outcome::failed ? AckState::failed : AckState::done;
  uint8_t place = 0;
  if (placeOf(ticket, place)) {
    if (isFinal(memory_.at(place).state)) return;
    if (&effect != &effect_) effect_ = effect;
    runs_[place].hasProgress = false;
    return settle(place, state);
  }
  LooseAnswers::Answer* answer = loose_.find(ticket);
  if (answer == nullptr || isFinal(answer->state)) return;
  answer->endMs = 0;
  answer->hasProgress = false;
  settleLoose(*answer, state, effect);
  loose_.fit(*answer);
}

void Dispatcher::progress(Ticket ticket, uint8_t percent) {
  uint8_t place = 0;
  if (placeOf(ticket, place)) {
    if (isFinal(memory_.at(place).state)) return;
    memory_.at(place).state = AckState::running;
    runs_[place].progress = percent;
    runs_[place].hasProgress = true;
    runs_[place].due = true;
    return;
  }
  LooseAnswers::Answer* answer = loose_.find(ticket);
  if (answer == nullptr || isFinal(answer->state)) return;
  answer->state = AckState::running;
  answer->progress = percent;
  answer->hasProgress = true;
  answer->due = true;
}

/** There is one at a time: a later one was cut off before anybody looked at it. */
uint8_t Dispatcher::oldestUpdate() const {
  for (uint8_t place = memory_.next(0); place != CommandMemory::kNone; place = memory_.next(memory_.at(place).order))
    if (!isFinal(memory_.at(place).state) && memory_.at(place).builtin == static_cast<uint8_t>(Builtin::updateFirmware)) return place;
  return CommandMemory::kNone;
}

bool Dispatcher::pendingUpdate(Ticket& ticket) const {
  const uint8_t place = oldestUpdate();
  if (place == CommandMemory::kNone || runs_[place].here) return false;
  ticket = ticketOf(place);
  return true;
}

bool Dispatcher::accepted(Ticket ticket) {
  uint8_t place = 0;
  if (placeOf(ticket, place)) return !runs_[place].due;
  const LooseAnswers::Answer* answer = loose_.find(ticket);
  return answer == nullptr || !answer->due;
}

void Dispatcher::erase() {
  memory_.erase();
  begin(boot_);
}

bool Dispatcher::placeOf(Ticket ticket, uint8_t& place) const {
  if ((ticket & LooseAnswers::kLoose) != 0) return false;
  place = static_cast<uint8_t>(ticket & 31U);
  return memory_.at(place).size > 0 && ticketOf(place) == ticket;
}

Ticket Dispatcher::ticketOf(uint8_t place) const {
  return static_cast<Ticket>(place | (memory_.at(place).order & 0x3FFU) << 5U);
}

static_assert(CommandMemory::kPlaces == 32, "a place has five bits in a ticket");

}  // namespace espalier
