#include "espalier/dispatcher.h"

#include "ack.h"
#include "espalier/crc32.h"
#include "public_params.h"

namespace espalier {

using contract::AckState;
using contract::Builtin;
using contract::CommandError;

struct Dispatcher::Case {
  const Command& command;
  uint64_t nowMs;
  uint32_t crc;
  Builtin builtin;
  /** One of the firmware's own. */
  bool own;

  [[nodiscard]] uint8_t code() const { return own ? kOwnCommand : static_cast<uint8_t>(builtin); }
};

namespace {

constexpr uint32_t kFinalToken = 0x40000000;
constexpr uint32_t kOrderMask = 0x00FFFFFF;
constexpr uint32_t kLooseToken = 0x80000000;

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

Text textOf(const char* terminated) { return Text(terminated, strlen(terminated)); }

}  // namespace

void Dispatcher::begin(uint32_t boot) {
  boot_ = boot;
  memory_.begin();
  loose_.clear();
  for (uint8_t place = 0; place < CommandMemory::kPlaces; place++) {
    runs_[place] = Run();
    CommandPlace& known = memory_.at(place);
    if (known.size == 0 || isFinal(known.state)) continue;
    // How it ended follows from what stands in flash, so nothing is written until somebody has heard it.
    if (known.builtin == static_cast<uint8_t>(Builtin::updateFirmware)) continue;
    known.hasError = known.builtin != static_cast<uint8_t>(Builtin::reboot);
    known.state = known.hasError ? AckState::failed : AckState::done;
    known.error = CommandError::interrupted;
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

/** The final ack of a command that gives its place away was never handed over: it goes on without a place. */
void Dispatcher::rescue(uint8_t place) {
  CommandRecord texts;
  if (!memory_.read(place, texts)) return;
  LooseAnswers::Answer* answer = loose_.begin(texts.id, texts.name);
  if (answer == nullptr) return;
  loose_.settle(*answer, memory_.at(place).state, memory_.at(place).error, texts.result, texts.message);
  loose_.fit(*answer);
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

bool Dispatcher::pendingUpdate(Ticket& ticket) const {
  for (uint8_t place = memory_.next(0); place != CommandMemory::kNone; place = memory_.next(memory_.at(place).order)) {
    if (isFinal(memory_.at(place).state) || runs_[place].here) continue;
    ticket = ticketOf(place);
    return true;
  }
  return false;
}

bool Dispatcher::accepted(Ticket ticket) {
  uint8_t place = 0;
  if (placeOf(ticket, place)) return !runs_[place].due;
  const LooseAnswers::Answer* answer = loose_.find(ticket);
  return answer == nullptr || !answer->due;
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

uint8_t Dispatcher::nextDue() const {
  for (uint8_t place = memory_.next(0); place != CommandMemory::kNone; place = memory_.next(memory_.at(place).order))
    if (runs_[place].due) return place;
  return CommandMemory::kNone;
}

bool Dispatcher::nextAck(Text nodeId, int64_t unixMs, char* out, size_t room, size_t& size, uint32_t& token) {
  AckFacts facts;
  facts.nodeId = nodeId;
  facts.unixMs = unixMs;
  for (uint8_t place = nextDue(); place != CommandMemory::kNone; place = nextDue()) {
    const CommandPlace& known = memory_.at(place);
    facts.state = known.state;
    facts.hasProgress = runs_[place].hasProgress;
    facts.progress = runs_[place].progress;
    facts.hasError = known.hasError;
    facts.error = known.error;
    size = memory_.read(place, facts.texts) ? encodeAck(facts, out, room) : 0;
    token = (isFinal(known.state) ? kFinalToken : 0) | static_cast<uint32_t>(place) << 24U | (known.order & kOrderMask);
    if (size > 0) return true;
    runs_[place].due = false;
  }
  for (LooseAnswers::Answer* answer = loose_.next(nullptr); answer != nullptr; answer = loose_.next(answer)) {
    if (!answer->due) continue;
    facts.state = answer->state;
    facts.hasProgress = answer->hasProgress;
    facts.progress = answer->progress;
    facts.hasError = answer->hasError;
    facts.error = answer->error;
    loose_.texts(*answer, facts.texts);
    size = encodeAck(facts, out, room);
    token = kLooseToken | (isFinal(answer->state) ? kFinalToken : 0) | answer->ticket;
    if (size > 0) return true;
    answer->due = false;
  }
  return false;
}

bool Dispatcher::placeOfToken(uint32_t token, uint8_t& place) const {
  if ((token & kLooseToken) != 0) return false;
  place = static_cast<uint8_t>(token >> 24U & 31U);
  return memory_.at(place).size > 0 && (memory_.at(place).order & kOrderMask) == (token & kOrderMask);
}

void Dispatcher::sent(uint32_t token) {
  uint8_t place = 0;
  if (placeOfToken(token, place)) runs_[place].due = false;
  if ((token & kLooseToken) == 0) return;
  LooseAnswers::Answer* answer = loose_.find(static_cast<Ticket>(token & 0xFFFFU));
  if (answer != nullptr) answer->due = false;
}

void Dispatcher::delivered(uint32_t token) {
  if ((token & kFinalToken) == 0) return;
  uint8_t place = 0;
  if (placeOfToken(token, place)) {
    if (memory_.at(place).delivered) return;
    memory_.at(place).delivered = true;
    // Not written, it is only told once more after a restart.
    (void)memory_.mark(place);
    return;
  }
  if ((token & kLooseToken) == 0) return;
  LooseAnswers::Answer* answer = loose_.find(static_cast<Ticket>(token & 0xFFFFU));
  if (answer != nullptr) loose_.drop(*answer);
}

/** Final acks that nobody has confirmed go out again; what ran meanwhile is asked for by a repeat. */
void Dispatcher::connected() {
  for (uint8_t place = 0; place < CommandMemory::kPlaces; place++) {
    const CommandPlace& known = memory_.at(place);
    runs_[place].due = known.size > 0 && isFinal(known.state) && !known.delivered;
  }
  for (LooseAnswers::Answer* answer = loose_.next(nullptr); answer != nullptr; answer = loose_.next(answer))
    answer->due = isFinal(answer->state);
}

void Dispatcher::disconnected() { connected(); }

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

static_assert(CommandMemory::kPlaces == 32, "a place has five bits in a ticket and a token");

}  // namespace espalier
