#pragma once
#include "espalier/ports.h"
#include "espalier/reading.h"

namespace espalier {

/** Readings in flash: segments of one erase block each, named ring.00 and on, filled one after the other, oldest removed first. A segment
 *  says how its columns are called, then holds frames with a CRC, one an append, so that a torn append costs that append and no more.
 *  A reading is written as its difference to the one before it in its segment: some 15 bytes for two values, 24 at most, all included.
 *  Knows neither what is settled nor what is sent. */
class FlashRing {
 public:
  /** One append at most, the columns of a new segment included. */
  static constexpr size_t kAppendBytes = 512;
  /** A column's name at its longest. */
  static constexpr size_t kNameBytes = 32;

  /** What the next record of a segment is written against. */
  struct Context {
    uint32_t boot = 0;
    uint32_t nextSeq = 0;
    uint64_t ticks = 0;
    /** Unix ms − ms since boot of the last dated one. */
    int64_t offsetMs = 0;
    int32_t values[sizes::kChannels] = {};
    int8_t rssi = 0;
  };

  /** A place between two records. Stays good while others append; at the end it goes on with what was appended meanwhile. */
  struct Cursor {
    uint32_t generation = 0;
    uint16_t offset = 0;
    uint16_t frameEnd = 0;
    /** Readings before it in its segment. */
    uint16_t index = 0;
    uint8_t columns = 0;
    Context context;
  };

  enum class Kind : uint8_t { none, reading, anchor };
  struct Record {
    Kind kind = Kind::none;
    /** Undated: unixMs is 0. Of an anchor: boot alone. */
    Reading reading;
    /** Unix ms of the boot: dates its undated readings for good. */
    int64_t anchorMs = 0;
  };

  explicit FlashRing(Store& store) : store_(store) {}

  /** Finds the segments after `gone`, and removes what is none or not after it. `columns` stay the caller's. */
  void begin(const Column* columns, size_t count, uint32_t gone);

  /** The next record; false: that was the last. */
  [[nodiscard]] bool next(Cursor& cursor, Record& out);
  /** The first segment's beginning. */
  [[nodiscard]] Cursor start() const;
  [[nodiscard]] bool empty() const { return oldest_ > newest_; }
  [[nodiscard]] uint32_t oldest() const { return oldest_; }
  [[nodiscard]] uint32_t newest() const { return newest_; }
  /** Removes segments up to this one. */
  void remove(uint32_t upTo);

  /** The columns of this segment are ours; else columnsOf() reads them. */
  [[nodiscard]] bool own(uint32_t generation) const;
  /** `names`: room for kChannels × kNameBytes. 0: unreadable. */
  [[nodiscard]] size_t columnsOf(uint32_t generation, Column* out, char* names);

  /** The next append begins a new segment. */
  void close() { closed_ = true; }
  /** The next append needs a new segment, and there is no place for one. */
  [[nodiscard]] bool full() const;

  /** One append: open(), add what fits, commit(). Not to be mixed with reading. */
  void open();
  [[nodiscard]] bool add(const Reading& reading);
  [[nodiscard]] bool addAnchor(uint32_t boot, int64_t anchorMs);
  /** False: flash refused; what it holds of this append is not known, and the next one begins a new segment. */
  [[nodiscard]] bool commit();

 private:
  [[nodiscard]] bool used(uint32_t generation, uint16_t& bytes) const;
  [[nodiscard]] bool fresh() const;
  [[nodiscard]] bool fits(size_t bytes) const;
  [[nodiscard]] uint32_t inspect(size_t slot);
  void measure(uint32_t generation);
  [[nodiscard]] bool byteAt(uint32_t generation, size_t offset, uint8_t& out);
  [[nodiscard]] size_t frameAt(uint32_t generation, size_t offset, size_t limit, size_t& payload);
  [[nodiscard]] bool decode(Cursor& cursor, Record& out);
  [[nodiscard]] bool decodeReading(Cursor& cursor, uint8_t tag, Record& out);
  [[nodiscard]] bool varint(Cursor& cursor, uint64_t& out);
  [[nodiscard]] bool fixed(Cursor& cursor, size_t bytes, uint64_t& out);
  [[nodiscard]] size_t putHead(uint32_t generation, uint8_t* out) const;

  Store& store_;
  const Column* columns_ = nullptr;
  size_t columnCount_ = 0;
  /** Generations count segments; one lives in the place of its remainder. */
  uint32_t oldest_ = 1;
  uint32_t newest_ = 0;
  bool closed_ = true;
  /** Good bytes of each place, 0: nothing there. The highest bit: its columns are not ours. */
  uint16_t used_[sizes::kSegments] = {};
  bool opensNew_ = false;
  /** Against what the next append is written. */
  Context tail_;
  Context packed_;
  size_t size_ = 0;
  size_t frame_ = 0;
  /** What append is packed in; between appends a page of what is read. */
  uint8_t buffer_[kAppendBytes] = {};
  uint32_t pageOf_ = 0;
  size_t pageAt_ = 0;
  size_t pageSize_ = 0;
};

}  // namespace espalier
