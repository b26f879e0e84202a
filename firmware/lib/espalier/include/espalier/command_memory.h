#pragma once
#include "espalier/inbox.h"
#include "espalier/ports.h"

namespace espalier {

/** What stands in flash of one command. Texts are the caller's, or point into the memory's buffer until its next call. */
struct CommandRecord {
  Text id;
  Text name;
  /** JSON; empty: none. */
  Text result;
  Text message;
};

/** One of the 32 places: what must be at hand without asking the flash. */
struct CommandPlace {
  uint32_t order = 0;
  /** Of the id's bytes; the bytes themselves are compared in flash. */
  uint32_t idCrc = 0;
  /** Of command and params as received. */
  uint32_t crc = 0;
  uint32_t offset = 0;
  /** Bytes of the record; 0: the place is free. */
  uint16_t size = 0;
  /** Position in contract::kBuiltinNames; kOwnCommand: another. */
  uint8_t builtin = 0;
  contract::AckState state = contract::AckState::accepted;
  contract::CommandError error = contract::CommandError::interrupted;
  bool hasError = false;
  /** Its final ack had its PUBACK. */
  bool delivered = false;
};

struct CommandFrame;

constexpr uint8_t kOwnCommand = 0xFF;

[[nodiscard]] constexpr bool isFinal(contract::AckState state) {
  return state != contract::AckState::accepted && state != contract::AckState::running;
}

/** The last 32 ids with their final acks, over reboots. A log in one of two files (`cmd.a`, `cmd.b`): records with generation and CRC are
 *  appended, and when it got long, what still counts is written to the other file, which is taken only when it is complete. So a torn
 *  write costs the record that was being written and no other, and an append of some 100 bytes is all that a step of a command wears. */
class CommandMemory {
 public:
  static constexpr uint8_t kPlaces = contract::kCommandsRemembered;
  static constexpr uint8_t kNone = kPlaces;

  explicit CommandMemory(Store& store) : store_(store) {}
  /** Reads what is there. Writes nothing. */
  void begin();
  [[nodiscard]] uint8_t find(Text id);
  /** A place for one more: a free one, else that of the oldest final command, never an unfinished one; kNone: all are unfinished. */
  [[nodiscard]] uint8_t room() const;
  /** Puts a command into this place, durably. False: flash did not take it, and the place is as it was. */
  [[nodiscard]] bool put(uint8_t place, const CommandPlace& what, const CommandRecord& record);
  /** The same command got further, with other result and message. In RAM it did in any case; false: not in flash. */
  [[nodiscard]] bool extend(uint8_t place, const CommandPlace& what, Text result, Text message);
  /** Writes what the caller changed of a place that is no text: state, error, delivered. */
  [[nodiscard]] bool mark(uint8_t place);
  /** The texts of a place. */
  [[nodiscard]] bool read(uint8_t place, CommandRecord& out);
  /** Forgets all, in flash too. */
  void erase();

  [[nodiscard]] CommandPlace& at(uint8_t place) { return places_[place]; }
  [[nodiscard]] const CommandPlace& at(uint8_t place) const { return places_[place]; }
  /** The used place that comes next in order; kNone: there is none. `after` 0 gives the oldest. */
  [[nodiscard]] uint8_t next(uint32_t after) const;

 private:
  /** A record at its longest: some ten of the usual ones, so that writing all anew takes few writes. */
  static constexpr size_t kBufferBytes = 1152;

  [[nodiscard]] Text name(bool b) const;
  [[nodiscard]] bool load(bool b, size_t offset, size_t into, CommandFrame& frame);
  [[nodiscard]] bool complete(bool b, uint32_t& generation);
  void replay(uint32_t generation);
  [[nodiscard]] bool finishPlace(CommandFrame& frame, Text result, Text message);
  [[nodiscard]] bool append(CommandFrame& frame);
  [[nodiscard]] bool ready(size_t size);
  [[nodiscard]] bool compact();
  [[nodiscard]] bool flush(bool b, uint32_t& written, size_t& filled);

  Store& store_;
  CommandPlace places_[kPlaces];
  uint32_t generation_ = 0;
  uint32_t nextOrder_ = 1;
  /** Bytes of the current file that count, and when it is too long. */
  uint32_t end_ = 0;
  uint32_t longest_ = 0;
  bool b_ = false;
  /** There is no file yet, or something torn stands behind its end: nothing may be appended to it. */
  bool stale_ = true;
  uint8_t buffer_[kBufferBytes] = {};
};

}  // namespace espalier
