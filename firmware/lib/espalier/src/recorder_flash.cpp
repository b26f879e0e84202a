#include "espalier/recorder.h"

/** To flash and back: what waits too long goes there, and what is settled or has to make room leaves it, oldest first. */
namespace espalier {
namespace {

constexpr uint64_t kToFlashMs = 5000;
/** So many wait: RAM is nearly full. */
constexpr uint32_t kToFlashReadings = 48;
constexpr uint64_t kRefusedMs = 5000;
constexpr uint64_t kStateMs = 60000;
/** Flash that refused so often may be full for want of blocks: then one segment makes room, but not one after the other. */
constexpr uint8_t kRefusals = 3;
constexpr uint8_t kSacrifices = 2;

}  // namespace

void Recorder::step(uint64_t nowMs, bool all) {
  learnTime();
  while (flashedTo_ < nextSeq_ && !ramHeld(flashedTo_)) flashedTo_++;
  const bool old = flashedTo_ < nextSeq_ && (all || slot(flashedTo_).monoMs + kToFlashMs <= nowMs);
  if ((all || flashMay(nowMs)) && (old || anchorDue() || waitingInRam() >= kToFlashReadings)) toFlash(nowMs);
  resend(nowMs);
  if (all ? stateDirty_ || head_.there : stateDirty_ && nowMs - stateAtMs_ >= kStateMs) {
    saveState();
    stateAtMs_ = nowMs;
  }
}

/** After a refusal it is left alone for a while. */
bool Recorder::flashMay(uint64_t nowMs) const { return !refused_ || nowMs - refusedAtMs_ >= kRefusedMs; }

/** Readings stand in flash without a date, and the date is known now. */
bool Recorder::anchorDue() const { return own().anchored && !anchorDurable_ && undatedBelow_ > 0; }

/** All that RAM holds and flash does not, in as few appends as it fits. */
void Recorder::toFlash(uint64_t nowMs) {
  for (;;) {
    while (flashedTo_ < nextSeq_ && !ramHeld(flashedTo_)) flashedTo_++;
    if (flashedTo_ >= nextSeq_ && !anchorDue()) break;
    if (flash_.full()) dropSegment(flash_.oldest());
    const bool anchor = anchorDue();
    flash_.open();
    if (anchor && !flash_.addAnchor(boot_, own().anchorMs)) return;
    uint32_t to = flashedTo_;
    uint32_t count = 0;
    for (; to < nextSeq_; to++) {
      if (!ramHeld(to)) continue;
      if (!flash_.add(slot(to))) break;
      count++;
      // Even if flash says no, it may stand there.
      if (slot(to).unixMs == 0) undatedBelow_ = to + 1;
    }
    if (!flash_.commit()) {
      refuse(nowMs);
      return;
    }
    refusals_ = sacrificed_ = 0;
    refused_ = false;
    anchorDurable_ = anchorDurable_ || anchor;
    flashedTo_ = to;
    flashCount_ += count;
    sweep();
  }
}

void Recorder::refuse(uint64_t nowMs) {
  refused_ = true;
  refusedAtMs_ = nowMs;
  if (refusals_ < kRefusals) {
    refusals_++;
  } else if (sacrificed_ < kSacrifices && flash_.oldest() < flash_.newest()) {
    sacrificed_++;
    dropSegment(flash_.oldest());
  }
}

uint32_t Recorder::waitingInRam() const {
  uint32_t count = 0;
  for (uint32_t seq = flashedTo_; seq < nextSeq_; seq++) {
    if (ramHeld(seq)) count++;
  }
  return count;
}

/** Counts what it still holds as dropped. The count is durable before the readings go. */
void Recorder::dropSegment(uint32_t generation) {
  while (head_.there && head_.cursor.generation <= generation) {
    if (heldInFlash(head_.reading)) {
      state_.dropped++;
      Track* track = find(head_.reading.boot);
      if (track != nullptr) track->first = head_.reading.seq + 1;
    }
    flashCount_--;
    advance(head_);
  }
  saveState();
  flash_.remove(generation);
  sweep();
}

void Recorder::saveState() {
  state_.goneSegments = head_.there ? head_.cursor.generation - 1 : flash_.newest();
  state_.goneReadings = head_.there ? head_.cursor.index - 1U : 0;
  if (stateFile_.save(state_)) stateDirty_ = false;
}

void Recorder::advance(Place& place) {
  FlashRing::Record record;
  place.there = false;
  while (!place.there && flash_.next(place.cursor, record)) place.there = record.kind == FlashRing::Kind::reading;
  if (place.there) place.reading = record.reading;
}

bool Recorder::heldInFlash(const Reading& reading) {
  const Track* track = find(reading.boot);
  if (track == nullptr) return more_;
  if (reading.boot != boot_) return reading.seq >= track->first && reading.seq < track->end;
  return reading.seq < flashedTo_ && (reading.seq < ramFirst() ? reading.seq >= track->first : ramHeld(reading.seq));
}

/** Moves the front to the oldest that is held, and lets go of what is before. */
void Recorder::sweep() {
  for (;;) {
    if (head_.there && heldInFlash(head_.reading)) {
      if (find(head_.reading.boot) != nullptr) break;
      // A boot that had no place before.
      survey();
      continue;
    }
    if (head_.there) flashCount_--;
    advance(head_);
    if (!head_.there) break;
  }
  const Track* front = head_.there ? find(head_.reading.boot) : &own();
  const auto over = static_cast<size_t>(front - tracks_);
  trackCount_ -= over;
  if (over > 0) memmove(static_cast<void*>(tracks_), tracks_ + over, trackCount_ * sizeof(Track));
  Track& track = tracks_[0];
  if (head_.there) {
    track.first = head_.reading.seq;
    flash_.remove(head_.cursor.generation - 1);
  } else {
    if (track.first < flashedTo_) track.first = flashedTo_;
    while (track.first < nextSeq_ && !ramHeld(track.first)) track.first++;
    if (!flash_.empty()) {
      if (stateDirty_) saveState();
      flash_.remove(flash_.newest());
    }
  }
  if (track.due < track.first) track.due = track.first;
}

/** Finds the boots from the front on that are not known yet, and dates or drops what they never dated. */
void Recorder::survey() {
  uint32_t undated[kTracks] = {};
  uint32_t dated[kTracks] = {};
  bool fresh[kTracks] = {};
  const bool all = !head_.there;
  more_ = false;
  Place place = head_;
  FlashRing::Record record;
  record.kind = head_.there ? FlashRing::Kind::reading : FlashRing::Kind::none;
  record.reading = head_.reading;
  do {
    if (record.kind == FlashRing::Kind::none) continue;
    const Reading& reading = record.reading;
    const bool isReading = record.kind == FlashRing::Kind::reading;
    if (isReading && all) flashCount_++;
    if (reading.boot == boot_ || (isReading && gone(place.cursor))) continue;
    Track* track = find(reading.boot);
    if (track == nullptr && isReading) {
      track = insert(reading.boot, reading.seq);
      if (track != nullptr) fresh[track - tracks_] = true;
      more_ = more_ || track == nullptr;
    }
    if (track == nullptr || !fresh[track - tracks_]) continue;
    const auto at = static_cast<size_t>(track - tracks_);
    if (!isReading) {
      track->anchored = true;
      track->anchorMs = record.anchorMs;
      continue;
    }
    if (reading.seq >= track->end) track->end = reading.seq + 1;
    if (reading.unixMs != 0 && dated[at] == 0) dated[at] = reading.seq + 1;
    if (reading.unixMs == 0 && place.cursor.generation > state_.countedSegments) undated[at]++;
  } while (flash_.next(place.cursor, record));
  for (size_t i = 0; i + 1 < trackCount_; i++) {
    Track& track = tracks_[i];
    if (!fresh[i]) continue;
    if (!track.anchored) {
      track.first = dated[i] == 0 ? track.end : dated[i] - 1;
      state_.droppedUndatable += undated[i];
      stateDirty_ = stateDirty_ || undated[i] > 0;
    }
    track.acked = track.first;
    if (online_) walk(track, track.first, track.end);
  }
  if (!stateDirty_ || more_ || !all) return;
  // They are counted now, and behind them begins a new segment: another boot counts from there.
  state_.countedSegments = flash_.newest();
  flash_.close();
}

/** Of those that were gone before this boot. */
bool Recorder::gone(const FlashRing::Cursor& cursor) const {
  return cursor.generation == state_.goneSegments + 1 && cursor.index <= state_.goneReadings;
}

/** Before this boot's. Null: no place. */
Recorder::Track* Recorder::insert(uint32_t boot, uint32_t first) {
  if (trackCount_ == kTracks) return nullptr;
  tracks_[trackCount_] = tracks_[trackCount_ - 1];
  Track& track = tracks_[trackCount_ - 1];
  trackCount_++;
  track = Track();
  track.boot = boot;
  track.first = track.end = first;
  return &track;
}

void Recorder::erase() {
  head_.there = false;
  flashCount_ = 0;
  tracks_[0] = own();
  trackCount_ = 1;
  more_ = false;
  gone_ = ~UINT64_C(0);
  own().first = flashedTo_ = liveNext_ = liveFrom_ = nextSeq_;
  own().due = own().dueEnd = nextSeq_;
  undatedBelow_ = 0;
  flightCount_ = 0;
  state_.dropped = state_.droppedUndatable = 0;
  saveState();
  if (!flash_.empty()) flash_.remove(flash_.newest());
}

}  // namespace espalier
