#include "espalier/flash_ring.h"
#include "ring_bytes.h"

/** Records of the ring: written as differences, read with a doubt at every byte. */
namespace espalier {
namespace {

using namespace ring;

constexpr int64_t kLeastUnixMs = static_cast<int64_t>(contract::kOldestTimestampS) * 1000;
constexpr int64_t kMostUnixMs = INT64_C(99999999999999);
/** No board runs for 10,000 years. */
constexpr uint64_t kMostTicks = UINT64_C(1) << 46;

}  // namespace

FlashRing::Cursor FlashRing::start() const {
  Cursor cursor;
  cursor.generation = oldest_;
  return cursor;
}

bool FlashRing::next(Cursor& cursor, Record& out) {
  for (;;) {
    if (cursor.generation < oldest_) cursor = start();
    uint16_t bytes = 0;
    const bool there = used(cursor.generation, bytes);
    if (there && cursor.offset < cursor.frameEnd) {
      if (decode(cursor, out)) {
        if (out.kind != Kind::none) return true;
      } else {
        // Whole by its CRC and yet senseless: nothing behind it can be trusted.
        cursor.offset = cursor.frameEnd = static_cast<uint16_t>(bytes - kCrcBytes);
      }
      continue;
    }
    const size_t begins = cursor.frameEnd == 0 ? 0 : cursor.frameEnd + kCrcBytes;
    if (there && begins < bytes) {
      size_t payload = 0;
      const size_t size = frameAt(cursor.generation, begins, bytes, payload);
      const bool head = cursor.frameEnd == 0;
      cursor.frameEnd = static_cast<uint16_t>(size == 0 ? bytes - kCrcBytes : payload + size);
      cursor.offset = static_cast<uint16_t>(size == 0 || head ? cursor.frameEnd : payload);
      if (head && (size == 0 || !byteAt(cursor.generation, payload + 6, cursor.columns))) {
        cursor.offset = cursor.frameEnd = static_cast<uint16_t>(bytes - kCrcBytes);
      }
      continue;
    }
    if (cursor.generation >= newest_) return false;
    const uint32_t following = cursor.generation + 1;
    cursor = Cursor();
    cursor.generation = following;
  }
}

bool FlashRing::decode(Cursor& cursor, Record& out) {
  uint64_t value = 0;
  if (!fixed(cursor, 1, value)) return false;
  const auto tag = static_cast<uint8_t>(value);
  out.kind = Kind::none;
  if (tag >= kReadingTag) return decodeReading(cursor, tag, out);
  if (tag == kBootTag) {
    if (!fixed(cursor, 4, value)) return false;
    cursor.context.boot = static_cast<uint32_t>(value);
    cursor.context.nextSeq = 0;
    cursor.context.ticks = 0;
    return true;
  }
  if (tag != kAnchorTag || !fixed(cursor, 8, value)) return false;
  out.anchorMs = static_cast<int64_t>(value);
  if (out.anchorMs < kLeastUnixMs || out.anchorMs > kMostUnixMs) return false;
  out.reading = Reading();
  out.reading.boot = cursor.context.boot;
  out.kind = Kind::anchor;
  return true;
}

bool FlashRing::decodeReading(Cursor& cursor, uint8_t tag, Record& out) {
  Context& context = cursor.context;
  const size_t count = tag & 0x0FU;
  if (count != cursor.columns || count > sizes::kChannels) return false;
  uint64_t gap = 0;
  uint64_t ticks = 0;
  if ((tag & kGap) != 0 && !varint(cursor, gap)) return false;
  if (gap >= UINT32_MAX || context.nextSeq + gap >= UINT32_MAX) return false;
  if (!varint(cursor, ticks) || ticks > kMostTicks || context.ticks + ticks > kMostTicks) return false;

  Reading& reading = out.reading;
  reading = Reading();
  reading.boot = context.boot;
  reading.seq = static_cast<uint32_t>(context.nextSeq + gap);
  reading.monoMs = (context.ticks + ticks) * kTickMs;
  reading.count = static_cast<uint8_t>(count);
  if ((tag & kDated) != 0) {
    uint64_t moved = 0;
    if (!varint(cursor, moved)) return false;
    context.offsetMs = sum(context.offsetMs, unfolded(moved));
    reading.unixMs = sum(context.offsetMs, static_cast<int64_t>(reading.monoMs));
    if (reading.unixMs < kLeastUnixMs || reading.unixMs > kMostUnixMs) return false;
  }
  if ((tag & kRssi) != 0) {
    uint64_t moved = 0;
    if (!varint(cursor, moved) || moved > 511) return false;
    context.rssi = static_cast<int8_t>(context.rssi + unfolded(moved));
    reading.rssi = context.rssi;
  }
  for (size_t i = 0; i < count; i++) {
    uint64_t code = 0;
    if (!varint(cursor, code)) return false;
    reading.values[i] = kNoValue;
    if (code == 0) continue;
    const int64_t value = sum(context.values[i], unfolded(code - 1));
    if (value <= INT32_MIN || value > INT32_MAX) return false;
    context.values[i] = reading.values[i] = static_cast<int32_t>(value);
  }
  context.nextSeq = reading.seq + 1;
  context.ticks += ticks;
  cursor.index++;
  out.kind = Kind::reading;
  return true;
}

bool FlashRing::varint(Cursor& cursor, uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint64_t byte = 0;
    if (!fixed(cursor, 1, byte)) return false;
    out |= (byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool FlashRing::fixed(Cursor& cursor, size_t bytes, uint64_t& out) {
  if (bytes > static_cast<size_t>(cursor.frameEnd - cursor.offset)) return false;
  uint8_t read[8];
  for (size_t i = 0; i < bytes; i++) {
    if (!byteAt(cursor.generation, cursor.offset + i, read[i])) return false;
  }
  cursor.offset = static_cast<uint16_t>(cursor.offset + bytes);
  out = getFixed(read, bytes);
  return true;
}

bool FlashRing::add(const Reading& reading) {
  uint8_t record[kRecordMost];
  Context after = packed_;
  size_t size = 0;
  if (after.boot != reading.boot || reading.seq < after.nextSeq || reading.monoMs / kTickMs < after.ticks) {
    record[size++] = kBootTag;
    size += putFixed(record + size, reading.boot, 4);
    after.boot = reading.boot;
    after.nextSeq = 0;
    after.ticks = 0;
  }
  const bool dated = reading.unixMs != 0;
  const bool gap = reading.seq != after.nextSeq;
  const bool rssi = reading.rssi != 0;
  record[size++] = static_cast<uint8_t>(kReadingTag | (dated ? kDated : 0) | (gap ? kGap : 0) | (rssi ? kRssi : 0) | reading.count);
  if (gap) size += putVarint(record + size, reading.seq - after.nextSeq);
  const uint64_t ticks = reading.monoMs / kTickMs;
  size += putVarint(record + size, ticks - after.ticks);
  if (dated) {
    const int64_t offset = difference(reading.unixMs, static_cast<int64_t>(reading.monoMs));
    size += putVarint(record + size, folded(difference(offset, after.offsetMs)));
    after.offsetMs = offset;
  }
  if (rssi) {
    size += putVarint(record + size, folded(reading.rssi - after.rssi));
    after.rssi = reading.rssi;
  }
  for (size_t i = 0; i < reading.count; i++) {
    const int32_t value = reading.values[i];
    const int64_t moved = static_cast<int64_t>(value) - after.values[i];
    size += putVarint(record + size, value == kNoValue ? 0 : folded(moved) + 1);
    if (value != kNoValue) after.values[i] = value;
  }
  after.nextSeq = reading.seq + 1;
  after.ticks = ticks;
  if (!fits(size)) return false;
  memcpy(buffer_ + size_, record, size);
  size_ += size;
  packed_ = after;
  return true;
}

bool FlashRing::addAnchor(uint32_t boot, int64_t anchorMs) {
  if (!fits(14)) return false;
  if (packed_.boot != boot || size_ == frame_ + 2) {
    buffer_[size_++] = kBootTag;
    size_ += putFixed(buffer_ + size_, boot, 4);
    packed_.boot = boot;
    packed_.nextSeq = 0;
    packed_.ticks = 0;
  }
  buffer_[size_++] = kAnchorTag;
  size_ += putFixed(buffer_ + size_, static_cast<uint64_t>(anchorMs), 8);
  return true;
}

/** With the CRC behind it. */
bool FlashRing::fits(size_t bytes) const {
  uint16_t before = 0;
  if (!opensNew_ && !used(newest_, before)) return false;
  const size_t left = opensNew_ ? sizes::kSegmentBytes : sizes::kSegmentBytes - before;
  const size_t limit = left < kAppendBytes ? left : kAppendBytes;
  return size_ + bytes + kCrcBytes <= limit;
}

}  // namespace espalier
