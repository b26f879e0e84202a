#include "espalier/command_memory.h"

#include "command_frame.h"
#include "espalier/crc32.h"

namespace espalier {
namespace {

using Kind = CommandFrame::Kind;

static_assert(CommandFrame::kLongest < UINT16_MAX, "a record tells its size in 16 bits");

uint32_t crcOf(Text text) { return crc32(Span(reinterpret_cast<const uint8_t*>(text.data), text.size)); }

}  // namespace

Text CommandMemory::name(bool b) const { return b ? Text("cmd.b") : Text("cmd.a"); }

/** Reads the record at `offset` into the buffer at `into`. */
bool CommandMemory::load(bool b, size_t offset, size_t into, CommandFrame& frame) {
  static_assert(kBufferBytes >= CommandFrame::kLongest, "one record is read and written whole");
  uint8_t* at = buffer_ + into;
  if (store_.read(name(b), offset, at, CommandFrame::kHead) != CommandFrame::kHead || !frame.open(at)) return false;
  const size_t rest = frame.size() - CommandFrame::kHead;
  if (store_.read(name(b), offset + CommandFrame::kHead, at + CommandFrame::kHead, rest) != rest) return false;
  return frame.sound(at);
}

/** Is this file one that may be believed? Its generation is told in any case, 0 where nothing of it can be read. */
bool CommandMemory::complete(bool b, uint32_t& generation) {
  CommandFrame frame;
  generation = 0;
  for (size_t at = 0; load(b, at, 0, frame); at += frame.size()) {
    if (at == 0) generation = frame.generation;
    if (frame.generation != generation) return false;
    if (frame.kind == Kind::complete) return true;
  }
  return false;
}

void CommandMemory::begin() {
  for (CommandPlace& place : places_) place = CommandPlace();
  uint32_t a = 0;
  uint32_t b = 0;
  const bool goodA = complete(false, a);
  const bool goodB = complete(true, b);
  b_ = goodB && (!goodA || b > a);
  generation_ = a > b ? a : b;
  nextOrder_ = 1;
  end_ = 0;
  longest_ = 0;
  stale_ = true;
  if (!goodA && !goodB) return;
  replay(b_ ? b : a);
  uint8_t behind = 0;
  // What stands behind the last good record was torn: whoever appended to it would not be read. And where the other file got further,
  // its numbers are taken.
  stale_ = store_.read(name(b_), end_, &behind, 1) != 0 || generation_ != (b_ ? b : a);
}

void CommandMemory::replay(uint32_t generation) {
  CommandFrame frame;
  for (; load(b_, end_, 0, frame) && frame.generation == generation; end_ += static_cast<uint32_t>(frame.size())) {
    CommandPlace& place = places_[frame.place];
    if (frame.kind == Kind::complete) {
      longest_ = end_ + static_cast<uint32_t>(sizes::kRememberedLogBytes);
    } else if (frame.kind == Kind::place) {
      CommandRecord record;
      frame.texts(buffer_, record);
      place = frame.what;
      place.idCrc = crcOf(record.id);
      place.offset = end_;
    } else if (place.size > 0 && place.order == frame.what.order) {
      place.state = frame.what.state;
      place.hasError = frame.what.hasError;
      place.error = frame.what.error;
      place.delivered = frame.what.delivered;
    }
    if (frame.what.order >= nextOrder_) nextOrder_ = frame.what.order + 1;
  }
}

uint8_t CommandMemory::find(Text id) {
  const uint32_t crc = crcOf(id);
  for (uint8_t place = 0; place < kPlaces; place++) {
    if (places_[place].size == 0 || places_[place].idCrc != crc) continue;
    CommandRecord record;
    // What can't be read any more may have been this one: not running it is the safe side.
    if (!read(place, record) || record.id.equals(id)) return place;
  }
  return kNone;
}

uint8_t CommandMemory::room() const {
  uint8_t oldest = kNone;
  for (uint8_t place = 0; place < kPlaces; place++) {
    if (places_[place].size == 0) return place;
    if (isFinal(places_[place].state) && (oldest == kNone || places_[place].order < places_[oldest].order)) oldest = place;
  }
  return oldest;
}

uint8_t CommandMemory::next(uint32_t after) const {
  uint8_t found = kNone;
  for (uint8_t place = 0; place < kPlaces; place++) {
    if (places_[place].size == 0 || places_[place].order <= after) continue;
    if (found == kNone || places_[place].order < places_[found].order) found = place;
  }
  return found;
}

bool CommandMemory::read(uint8_t place, CommandRecord& out) {
  CommandFrame frame;
  if (places_[place].size == 0 || !load(b_, places_[place].offset, 0, frame)) return false;
  frame.texts(buffer_, out);
  return true;
}

bool CommandMemory::put(uint8_t place, const CommandPlace& what, const CommandRecord& record) {
  CommandFrame frame;
  frame.place = place;
  frame.what = what;
  frame.what.order = nextOrder_;
  frame.idSize = static_cast<uint8_t>(record.id.size);
  frame.nameSize = static_cast<uint8_t>(record.name.size);
  if (!ready(CommandFrame::kLongest)) return false;
  memcpy(buffer_ + CommandFrame::kHead, record.id.data, record.id.size);
  memcpy(buffer_ + CommandFrame::kHead + record.id.size, record.name.data, record.name.size);
  frame.what.idCrc = crcOf(record.id);
  if (!finishPlace(frame, record.result, record.message)) return false;
  nextOrder_++;
  return true;
}

bool CommandMemory::extend(uint8_t place, const CommandPlace& what, Text result, Text message) {
  // Room first: were the place changed already, writing all anew would say how it ended and not with what.
  const bool room = ready(CommandFrame::kLongest);
  const uint32_t offset = places_[place].offset;
  const uint16_t size = places_[place].size;
  places_[place] = what;
  places_[place].offset = offset;
  places_[place].size = size;
  CommandFrame frame;
  if (!room || !load(b_, offset, 0, frame)) return false;
  frame.kind = Kind::place;
  frame.what = places_[place];
  return finishPlace(frame, result, message);
}

/** The rest of a record whose id and name stand in the buffer. */
bool CommandMemory::finishPlace(CommandFrame& frame, Text result, Text message) {
  uint8_t* at = buffer_ + CommandFrame::kHead + frame.idSize + frame.nameSize;
  frame.resultSize = static_cast<uint16_t>(result.size);
  frame.messageSize = static_cast<uint8_t>(message.size);
  if (result.size > 0) memcpy(at, result.data, result.size);
  if (message.size > 0) memcpy(at + result.size, message.data, message.size);
  const uint32_t offset = end_;
  if (!append(frame)) return false;
  CommandPlace& place = places_[frame.place];
  place = frame.what;
  place.offset = offset;
  place.size = static_cast<uint16_t>(frame.size());
  return true;
}

bool CommandMemory::mark(uint8_t place) {
  CommandFrame frame;
  frame.kind = Kind::mark;
  frame.place = place;
  frame.what = places_[place];
  return ready(CommandFrame::kAround) && append(frame);
}

bool CommandMemory::append(CommandFrame& frame) {
  frame.generation = generation_;
  frame.seal(buffer_);
  if (!store_.append(name(b_), Span(buffer_, frame.size()))) {
    stale_ = true;
    return false;
  }
  end_ += static_cast<uint32_t>(frame.size());
  return true;
}

/** Makes sure that so many bytes may be appended. */
bool CommandMemory::ready(size_t size) { return (!stale_ && end_ + size <= longest_) || compact(); }

/** Writes what counts to the other file. Until its last record stands there the old one is believed, and is as it was. */
bool CommandMemory::compact() {
  uint32_t offsets[kPlaces] = {};
  uint16_t lengths[kPlaces] = {};
  size_t total = 0;
  for (const CommandPlace& place : places_) total += place.size;
  const bool target = !b_;
  stale_ = true;
  generation_++;
  uint32_t written = 0;
  size_t filled = 0;
  for (uint8_t place = next(0); place != kNone; place = next(places_[place].order)) {
    CommandFrame frame;
    if (filled + places_[place].size > kBufferBytes && !flush(target, written, filled)) return false;
    if (!load(b_, places_[place].offset, filled, frame)) continue;
    frame.what = places_[place];
    frame.generation = generation_;
    if (total > sizes::kRememberedBytes && isFinal(frame.what.state)) {
      // Too many long ones: the oldest keep their id and how they ended.
      total -= frame.resultSize;
      total -= frame.messageSize;
      frame.resultSize = 0;
      frame.messageSize = 0;
    }
    frame.seal(buffer_ + filled);
    offsets[place] = written + static_cast<uint32_t>(filled);
    lengths[place] = static_cast<uint16_t>(frame.size());
    filled += frame.size();
  }
  if (filled + CommandFrame::kAround > kBufferBytes && !flush(target, written, filled)) return false;
  CommandFrame last;
  last.kind = Kind::complete;
  last.generation = generation_;
  last.seal(buffer_ + filled);
  filled += last.size();
  if (!flush(target, written, filled)) return false;
  for (uint8_t place = 0; place < kPlaces; place++) {
    if (places_[place].size == 0) continue;
    places_[place].size = lengths[place];
    places_[place].offset = offsets[place];
  }
  store_.remove(name(b_));
  b_ = target;
  end_ = written;
  longest_ = written + static_cast<uint32_t>(sizes::kRememberedLogBytes);
  stale_ = false;
  return true;
}

bool CommandMemory::flush(bool b, uint32_t& written, size_t& filled) {
  const Span bytes(buffer_, filled);
  if (!(written == 0 ? store_.write(name(b), bytes) : store_.append(name(b), bytes))) return false;
  written += static_cast<uint32_t>(filled);
  filled = 0;
  return true;
}

void CommandMemory::erase() {
  store_.remove(name(!b_));
  store_.remove(name(b_));
  begin();
}

}  // namespace espalier
