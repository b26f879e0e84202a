#include "espalier/loose_answers.h"

namespace espalier {
namespace {

constexpr size_t rounded(size_t size) { return (size + alignof(LooseAnswers::Answer) - 1) / alignof(LooseAnswers::Answer) * alignof(LooseAnswers::Answer); }

constexpr size_t kAnswer = sizeof(LooseAnswers::Answer);

}  // namespace

LooseAnswers::Answer* LooseAnswers::begin(Text id, Text name) {
  const size_t size = rounded(kAnswer + id.size + name.size + sizes::kAckResultBytes + sizes::kAckMessageBytes);
  while (used_ + size > kBytes) {
    Answer* handedOver = nullptr;
    for (Answer* answer = next(nullptr); answer != nullptr && handedOver == nullptr; answer = next(answer))
      if (isFinal(answer->state) && !answer->due) handedOver = answer;
    if (handedOver == nullptr) return nullptr;
    drop(*handedOver);
  }
  Answer* answer = at(used_);
  *answer = Answer();
  answer->size = static_cast<uint16_t>(size);
  answer->ticket = static_cast<Ticket>(kLoose | nextTicket_);
  answer->idSize = static_cast<uint8_t>(id.size);
  answer->nameSize = static_cast<uint8_t>(name.size);
  nextTicket_ = (nextTicket_ + 1) & (kLoose - 1);
  uint8_t* texts = bytes_ + used_ + kAnswer;
  if (id.size > 0) memcpy(texts, id.data, id.size);
  memcpy(texts + id.size, name.data, name.size);
  used_ += size;
  return answer;
}

void LooseAnswers::settle(Answer& answer, contract::AckState state, contract::CommandError error, Text result, Text message) {
  uint8_t* texts = bytes_ + offsetOf(answer) + kAnswer + answer.idSize + answer.nameSize;
  answer.resultSize = static_cast<uint16_t>(result.size);
  answer.messageSize = static_cast<uint8_t>(message.size);
  if (result.size > 0) memcpy(texts, result.data, result.size);
  if (message.size > 0) memcpy(texts + result.size, message.data, message.size);
  answer.state = state;
  answer.hasError = isFinal(state) && state != contract::AckState::done;
  answer.error = error;
  answer.due = true;
}

void LooseAnswers::fit(Answer& answer) {
  resize(answer, rounded(kAnswer + answer.idSize + answer.nameSize + answer.resultSize + answer.messageSize));
}

void LooseAnswers::drop(Answer& answer) { resize(answer, 0); }

void LooseAnswers::resize(Answer& answer, size_t size) {
  const size_t offset = offsetOf(answer);
  const size_t old = answer.size;
  answer.size = static_cast<uint16_t>(size);
  memmove(bytes_ + offset + size, bytes_ + offset + old, used_ - offset - old);
  used_ -= old - size;
}

LooseAnswers::Answer* LooseAnswers::find(Ticket ticket) {
  for (Answer* answer = next(nullptr); answer != nullptr; answer = next(answer))
    if (answer->ticket == ticket) return answer;
  return nullptr;
}

LooseAnswers::Answer* LooseAnswers::next(const Answer* before) {
  const size_t offset = before == nullptr ? 0 : offsetOf(*before) + before->size;
  return offset < used_ ? at(offset) : nullptr;
}

void LooseAnswers::texts(const Answer& answer, CommandRecord& out) const {
  const auto* text = reinterpret_cast<const char*>(bytes_) + offsetOf(answer) + kAnswer;
  out.id = Text(text, answer.idSize);
  out.name = Text(text + answer.idSize, answer.nameSize);
  out.result = Text(text + answer.idSize + answer.nameSize, answer.resultSize);
  out.message = Text(out.result.data + answer.resultSize, answer.messageSize);
}

size_t LooseAnswers::offsetOf(const Answer& answer) const {
  return static_cast<size_t>(reinterpret_cast<const uint8_t*>(&answer) - bytes_);
}

}  // namespace espalier
