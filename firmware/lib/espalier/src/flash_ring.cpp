#include "espalier/flash_ring.h"

#include "espalier/crc32.h"
#include "ring_bytes.h"

namespace espalier {
namespace {

using namespace ring;

constexpr uint16_t kForeign = 0x8000;
constexpr size_t kPageBytes = 512;
constexpr size_t kNameMost = FlashRing::kNameBytes;
constexpr uint8_t kMark = 0x52;
constexpr uint8_t kVersion = 1;
/** mark, version, generation, columns. */
constexpr size_t kHeadLeast = 7;
constexpr uint32_t kLastGeneration = 0xFFFFFF00U;
static_assert(FlashRing::kAppendBytes >= 2 + kHeadLeast + sizes::kChannels * (2 + kNameMost) + kCrcBytes + kRecordMost);
static_assert(kPageBytes <= FlashRing::kAppendBytes && sizes::kSegmentBytes < kForeign && sizes::kSegments <= 100);

constexpr size_t slotOf(uint32_t generation) { return generation % sizes::kSegments; }

/** ring.00 and on. */
struct Name {
  explicit Name(size_t slot) {
    text[5] = static_cast<char>('0' + slot / 10);
    text[6] = static_cast<char>('0' + slot % 10);
  }
  operator Text() const { return Text(text, sizeof text); }
  char text[7] = {'r', 'i', 'n', 'g', '.', '0', '0'};
};

/** A frame counts in its own segment alone: what stood in this block before is none. */
uint32_t seedOf(uint32_t generation) {
  uint8_t bytes[4];
  putFixed(bytes, generation, sizeof bytes);
  return crc32(Span(bytes, sizeof bytes));
}

}  // namespace

void FlashRing::begin(const Column* columns, size_t count, uint32_t gone) {
  columns_ = columns;
  columnCount_ = count;
  pageOf_ = 0;
  newest_ = 0;
  uint32_t found[sizes::kSegments];
  for (size_t slot = 0; slot < sizes::kSegments; slot++) {
    found[slot] = inspect(slot);
    if (found[slot] > gone && found[slot] > newest_) newest_ = found[slot];
  }
  oldest_ = newest_ + 1;
  for (size_t slot = 0; slot < sizes::kSegments; slot++) {
    const uint32_t generation = found[slot];
    if (generation > gone && newest_ - generation < sizes::kSegments) {
      if (generation < oldest_) oldest_ = generation;
    } else {
      used_[slot] = 0;
      uint8_t byte;
      if (store_.read(Name(slot), 0, &byte, 1) > 0) store_.remove(Name(slot));
    }
  }
  if (empty()) {
    // The segment after `gone` may have been begun and left; its number is not used again.
    newest_ = gone + 1;
    oldest_ = newest_ + 1;
    closed_ = true;
    return;
  }
  for (uint32_t generation = oldest_; generation <= newest_; generation++) measure(generation);
  Cursor cursor;
  cursor.generation = newest_;
  Record record;
  while (next(cursor, record)) {
  }
  tail_ = cursor.context;
  uint16_t bytes = 0;
  uint8_t beyond;
  // What is torn stays, and nothing is written behind it.
  closed_ = !used(newest_, bytes) || !own(newest_) || cursor.frameEnd + kCrcBytes != bytes || byteAt(newest_, bytes, beyond);
}

/** The generation of the segment in this place; 0: there is none that can be read. */
uint32_t FlashRing::inspect(size_t slot) {
  used_[slot] = 0;
  pageOf_ = 0;
  uint8_t head[2 + kHeadLeast];
  if (store_.read(Name(slot), 0, head, sizeof head) < sizeof head) return 0;
  const size_t lengthBytes = head[0] >= 0x80 ? 2 : 1;
  const uint8_t* body = head + lengthBytes;
  const auto generation = static_cast<uint32_t>(getFixed(body + 2, 4));
  if (body[0] != kMark || body[1] != kVersion || generation == 0 || generation > kLastGeneration) return 0;
  if (slotOf(generation) != slot) return 0;
  size_t payload = 0;
  const size_t size = frameAt(generation, 0, sizes::kSegmentBytes, payload);
  if (size < kHeadLeast) return 0;
  const size_t end = payload + size + kCrcBytes;
  uint8_t ours[2 + kHeadLeast + sizes::kChannels * (2 + kNameMost) + kCrcBytes];
  bool same = putHead(generation, ours) == end;
  for (size_t i = 0; i < end && same; i++) {
    uint8_t byte = 0;
    same = byteAt(generation, i, byte) && byte == ours[i];
  }
  used_[slot] = static_cast<uint16_t>(end | (same ? 0 : kForeign));
  return generation;
}

/** How far its frames are good. */
void FlashRing::measure(uint32_t generation) {
  uint16_t bytes = 0;
  if (!used(generation, bytes)) return;
  size_t payload = 0;
  size_t end = bytes;
  while (const size_t size = frameAt(generation, end, sizes::kSegmentBytes, payload)) end = payload + size + kCrcBytes;
  used_[slotOf(generation)] = static_cast<uint16_t>(end | (own(generation) ? 0 : kForeign));
}

size_t FlashRing::putHead(uint32_t generation, uint8_t* out) const {
  uint8_t* body = out + 2;
  size_t size = 0;
  body[size++] = kMark;
  body[size++] = kVersion;
  size += putFixed(body + size, generation, 4);
  body[size++] = static_cast<uint8_t>(columnCount_);
  for (size_t i = 0; i < columnCount_; i++) {
    const size_t length = columns_[i].name.size < kNameMost ? columns_[i].name.size : kNameMost;
    body[size++] = columns_[i].decimals;
    body[size++] = static_cast<uint8_t>(length);
    if (length > 0) memcpy(body + size, columns_[i].name.data, length);
    size += length;
  }
  // Two bytes of length always, so that the names never move.
  out[0] = static_cast<uint8_t>(0x80 | (size & 0x7F));
  out[1] = static_cast<uint8_t>(size >> 7);
  putFixed(body + size, crc32(Span(body, size), seedOf(generation)), kCrcBytes);
  return 2 + size + kCrcBytes;
}

size_t FlashRing::columnsOf(uint32_t generation, Column* out, char* names) {
  size_t payload = 0;
  const size_t size = frameAt(generation, 0, sizes::kSegmentBytes, payload);
  uint8_t byte = 0;
  if (size < kHeadLeast || !byteAt(generation, payload + 6, byte) || byte > sizes::kChannels) return 0;
  const size_t count = byte;
  size_t at = payload + kHeadLeast;
  for (size_t i = 0; i < count; i++) {
    uint8_t length = 0;
    if (!byteAt(generation, at, out[i].decimals) || !byteAt(generation, at + 1, length)) return 0;
    if (length > kNameMost || at + 2 + length > payload + size) return 0;
    for (size_t k = 0; k < length; k++) {
      if (!byteAt(generation, at + 2 + k, byte)) return 0;
      names[k] = static_cast<char>(byte);
    }
    out[i].name = Text(names, length);
    names += kNameMost;
    at += 2U + length;
  }
  return count;
}

bool FlashRing::used(uint32_t generation, uint16_t& bytes) const {
  if (generation < oldest_ || generation > newest_) return false;
  bytes = used_[slotOf(generation)] & static_cast<uint16_t>(~kForeign);
  return bytes > 0;
}

bool FlashRing::own(uint32_t generation) const { return (used_[slotOf(generation)] & kForeign) == 0; }

void FlashRing::remove(uint32_t upTo) {
  for (; oldest_ <= upTo && oldest_ <= newest_; oldest_++) {
    const size_t slot = slotOf(oldest_);
    if (used_[slot] == 0) continue;
    used_[slot] = 0;
    if (pageOf_ == oldest_) pageOf_ = 0;
    store_.remove(Name(slot));
  }
}

bool FlashRing::fresh() const {
  uint16_t bytes = 0;
  return closed_ || !used(newest_, bytes) || sizes::kSegmentBytes - bytes < kRecordMost;
}

bool FlashRing::full() const { return fresh() && used_[slotOf(newest_ + 1)] != 0; }

void FlashRing::open() {
  pageOf_ = 0;
  opensNew_ = fresh();
  packed_ = opensNew_ ? Context() : tail_;
  frame_ = opensNew_ ? putHead(newest_ + 1, buffer_) : 0;
  size_ = frame_ + 2;
}

bool FlashRing::commit() {
  const uint32_t generation = opensNew_ ? newest_ + 1 : newest_;
  uint8_t* payload = buffer_ + frame_ + 2;
  const size_t length = size_ - frame_ - 2;
  size_ += putFixed(payload + length, crc32(Span(payload, length), seedOf(generation)), kCrcBytes);
  if (length < 0x80) {
    memmove(payload - 1, payload, length + kCrcBytes);
    size_--;
    buffer_[frame_] = static_cast<uint8_t>(length);
  } else {
    buffer_[frame_] = static_cast<uint8_t>(0x80 | (length & 0x7F));
    buffer_[frame_ + 1] = static_cast<uint8_t>(length >> 7);
  }
  const size_t slot = slotOf(generation);
  const Span bytes(buffer_, size_);
  if (!(opensNew_ ? store_.write(Name(slot), bytes) : store_.append(Name(slot), bytes))) {
    closed_ = true;
    return false;
  }
  used_[slot] = static_cast<uint16_t>((opensNew_ ? 0U : used_[slot]) + size_);
  if (empty()) oldest_ = generation;
  newest_ = generation;
  tail_ = packed_;
  closed_ = false;
  return true;
}

bool FlashRing::byteAt(uint32_t generation, size_t offset, uint8_t& out) {
  if (pageOf_ != generation || offset < pageAt_ || offset - pageAt_ >= pageSize_) {
    pageOf_ = generation;
    pageAt_ = offset / kPageBytes * kPageBytes;
    pageSize_ = store_.read(Name(slotOf(generation)), pageAt_, buffer_, kPageBytes);
    if (offset - pageAt_ >= pageSize_) {
      pageOf_ = 0;
      return false;
    }
  }
  out = buffer_[offset - pageAt_];
  return true;
}

/** Bytes of the frame's payload, which begins at `payload`; 0: no good frame begins here and ends before the limit. */
size_t FlashRing::frameAt(uint32_t generation, size_t offset, size_t limit, size_t& payload) {
  uint8_t low = 0;
  uint8_t high = 0;
  if (!byteAt(generation, offset, low)) return 0;
  if (low >= 0x80 && (!byteAt(generation, offset + 1, high) || high >= 0x80)) return 0;
  const size_t size = (low & 0x7FU) | static_cast<size_t>(high) << 7;
  payload = offset + (low >= 0x80 ? 2U : 1U);
  if (size == 0 || payload + size + kCrcBytes > limit) return 0;
  uint32_t crc = seedOf(generation);
  uint8_t byte = 0;
  for (size_t at = payload; at < payload + size;) {
    // As much as the page holds of it.
    if (!byteAt(generation, at, byte)) return 0;
    const size_t here = pageAt_ + pageSize_ - at;
    const size_t part = here < payload + size - at ? here : payload + size - at;
    crc = crc32(Span(buffer_ + (at - pageAt_), part), crc);
    at += part;
  }
  for (size_t i = 0; i < kCrcBytes; i++) {
    if (!byteAt(generation, payload + size + i, byte) || byte != static_cast<uint8_t>(crc >> (8 * i))) return 0;
  }
  return size;
}

}  // namespace espalier
