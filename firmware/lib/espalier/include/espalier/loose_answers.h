#pragma once
#include "espalier/command_memory.h"

namespace espalier {

/** Names one execution to whoever brings its end. */
using Ticket = uint16_t;

/** Answers that no place remembers: to commands without id, `id_reused`, `busy`. They live in RAM until their PUBACK; when there is no
 *  room the oldest that was handed over goes first. */
class LooseAnswers {
 public:
  /** The texts follow it. */
  struct Answer {
    /** Of one that ends by itself; 0: not. */
    uint64_t endMs = 0;
    uint16_t size = 0;
    Ticket ticket = 0;
    uint16_t resultSize = 0;
    uint8_t idSize = 0;
    uint8_t nameSize = 0;
    uint8_t messageSize = 0;
    uint8_t progress = 0;
    contract::AckState state = contract::AckState::accepted;
    contract::CommandError error = contract::CommandError::busy;
    bool hasError = false;
    bool hasProgress = false;
    bool due = false;
  };
  static constexpr Ticket kLoose = 0x8000;

  /** One that runs, with room for the longest result. Null: there is no room. Valid until the next call of begin, fit or drop. */
  [[nodiscard]] Answer* begin(Text id, Text name);
  /** State and texts; it is due. */
  void settle(Answer& answer, contract::AckState state, contract::CommandError error, Text result, Text message);
  /** Gives back the room that is not needed: nothing else will be settled. */
  void fit(Answer& answer);
  void drop(Answer& answer);
  [[nodiscard]] Answer* find(Ticket ticket);
  /** The one behind `before`, null: the first. Null at the end. */
  [[nodiscard]] Answer* next(const Answer* before);
  void texts(const Answer& answer, CommandRecord& out) const;
  void clear() { used_ = 0; }

 private:
  static constexpr size_t kBytes = 2048;

  [[nodiscard]] Answer* at(size_t offset) { return reinterpret_cast<Answer*>(bytes_ + offset); }
  [[nodiscard]] size_t offsetOf(const Answer& answer) const;
  void resize(Answer& answer, size_t size);

  size_t used_ = 0;
  Ticket nextTicket_ = 0;
  alignas(Answer) uint8_t bytes_[kBytes] = {};
};

}  // namespace espalier
