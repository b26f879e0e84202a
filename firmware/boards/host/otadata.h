#pragma once
#include "power.h"

namespace espalier {
namespace host {

/** As ESP-IDF counts them. */
enum class ImageState : uint32_t { fresh = 0, pending = 1, valid = 2, invalid = 3, aborted = 4, undefined = 0xFFFFFFFF };

/** One of two entries, each alone in an erase block. The good one with the higher sequence says what starts: slot (sequence - 1) mod 2. */
struct OtaEntry {
  uint32_t sequence = 0xFFFFFFFF;
  uint8_t label[20] = {};
  ImageState state = ImageState::undefined;
  /** Of the sequence alone: the state changes in place. */
  uint32_t crc = 0xFFFFFFFF;

  [[nodiscard]] bool there() const;
  [[nodiscard]] bool good() const;
  [[nodiscard]] int slot() const { return static_cast<int>((sequence - 1) % 2); }
};
static_assert(sizeof(OtaEntry) == 32, "as in flash");

/** The otadata partition in a file of 8 KiB. A change of an entry is an erase and a write: two places for a power cut. */
class OtaData {
 public:
  OtaData(const char* directory, Power& power);
  ~OtaData();
  OtaData(const OtaData&) = delete;
  OtaData& operator=(const OtaData&) = delete;

  /** As a cable leaves it: app0 starts, without a trial. */
  [[nodiscard]] bool format();
  [[nodiscard]] OtaEntry entry(int place) const;
  /** Which entry says what starts; -1: none is good. */
  [[nodiscard]] int active() const;
  /** The entry of a slot, good or bad; -1: it has none. */
  [[nodiscard]] int entryOf(int slot) const;
  [[nodiscard]] bool setState(int place, ImageState state);
  [[nodiscard]] bool clear(int place);
  /** Makes a slot the next to start, on trial. */
  [[nodiscard]] bool select(int slot);

 private:
  [[nodiscard]] bool put(int place, const OtaEntry& entry);

  Power& power_;
  int file_;
};

}  // namespace host
}  // namespace espalier
