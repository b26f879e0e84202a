#pragma once
#include "espalier/command_memory.h"

namespace espalier {

/** A record of the command log as it stands in flash: 28 bytes of head, the texts, CRC-32. Little-endian, as the ESP32 is. */
struct CommandFrame {
  enum class Kind : uint8_t {
    /** A place, whole. */
    place = 1,
    /** State, error and delivered of a place whose whole stands before. */
    mark = 2,
    /** All that counted when the file was begun stands before it. */
    complete = 3,
  };
  static constexpr size_t kHead = 28;
  static constexpr size_t kAround = kHead + 4;
  static constexpr size_t kLongest = kAround + 2 * contract::kShortBytes + sizes::kAckResultBytes + sizes::kAckMessageBytes;

  Kind kind = Kind::place;
  uint8_t place = 0;
  uint32_t generation = 0;
  CommandPlace what;
  uint8_t idSize = 0;
  uint8_t nameSize = 0;
  uint16_t resultSize = 0;
  uint8_t messageSize = 0;

  [[nodiscard]] size_t size() const {
    return kAround + idSize + nameSize + resultSize + messageSize;
  }
  /** Writes head and CRC around the texts, which stand already. */
  void seal(uint8_t* bytes) const;
  /** Reads the head. False: it is none. */
  [[nodiscard]] bool open(const uint8_t* bytes);
  /** Of size() bytes: do they go together? */
  [[nodiscard]] bool sound(const uint8_t* bytes) const;
  void texts(const uint8_t* bytes, CommandRecord& out) const;
};

}  // namespace espalier
