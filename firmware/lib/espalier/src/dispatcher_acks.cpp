#include "ack.h"
#include "espalier/dispatcher.h"

namespace espalier {
namespace {

/** What a token tells: which answer, and whether it was a final one. */
constexpr uint32_t kFinalToken = 0x40000000;
constexpr uint32_t kOrderMask = 0x00FFFFFF;
constexpr uint32_t kLooseToken = 0x80000000;

static_assert(CommandMemory::kPlaces <= 64, "a place has six bits in a token");

}  // namespace

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
  place = static_cast<uint8_t>(token >> 24U & 63U);
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

}  // namespace espalier
