#include "espalier/recorder.h"

/** What to send next: live readings from RAM, backlog from wherever it stands. */
namespace espalier {
namespace {

constexpr uint64_t kBatchEveryMs = 250;
constexpr uint32_t kManyMs = 1000;

}  // namespace

void Recorder::connected(uint64_t nowMs) {
  online_ = true;
  flightCount_ = 0;
  for (size_t i = 0; i < trackCount_; i++) {
    Track& track = tracks_[i];
    if (track.acked < track.first) track.acked = track.first;
    track.seen = track.mark = 0;
    walk(track, track.first, track.end);
  }
  liveNext_ = liveFrom_ = nextSeq_;
  liveTookAll_ = false;
  batchAtMs_ = nowMs;
  walk_ = head_;
  walkBoot_ = tracks_[0].boot;
  walkSeq_ = 0;
}

void Recorder::disconnected() {
  online_ = false;
  flightCount_ = 0;
}

/** Everything between is due once more. */
void Recorder::walk(Track& track, uint32_t from, uint32_t end) {
  track.due = track.dueFrom = from;
  track.dueEnd = end;
  track.before[0] = track.reach[0];
  track.before[1] = track.reach[1];
}

Outgoing Recorder::nextLive(uint64_t nowMs, char* out, size_t room) {
  if (!online_) return Outgoing();
  learnTime();
  while (liveNext_ < nextSeq_ && !ramHeld(liveNext_)) liveNext_++;
  if (liveNext_ >= nextSeq_) return Outgoing();
  const bool many = intervalMs_ < kManyMs;
  if (many && liveTookAll_ && nowMs - liveAtMs_ < kManyMs) return Outgoing();
  return encode(own(), liveNext_, nextSeq_, many || nextSeq_ - liveNext_ > 1, out, room);
}

Outgoing Recorder::nextBacklog(uint64_t nowMs, char* out, size_t room) {
  if (!online_ || nowMs < batchAtMs_) return Outgoing();
  learnTime();
  for (size_t i = 0; i < trackCount_; i++) {
    Track& track = tracks_[i];
    if (track.due >= track.dueEnd) continue;
    const Track* walked = find(walkBoot_);
    const bool back = walked != nullptr && (walked > &track || (walked == &track && track.due < walkSeq_));
    if (back || walk_.cursor.generation < flash_.oldest()) walk_ = head_;
    walkBoot_ = track.boot;
    walkSeq_ = track.due;
    Reading reading;
    if (!fetch(track, track.due, walk_, reading) || reading.seq >= track.dueEnd) {
      track.due = track.dueEnd;
      continue;
    }
    track.due = walkSeq_ = reading.seq;
    const Outgoing message = encode(track, track.due, track.dueEnd, true, out, room);
    if (message.count > 0) return message;
  }
  return Outgoing();
}

/** As many as follow each other, are between and fit. */
Outgoing Recorder::encode(Track& track, uint32_t first, uint32_t end, bool batch, char* out, size_t room) {
  Outgoing message;
  Place place = walk_;
  Reading reading;
  if (!fetch(track, first, place, reading) || !sendable(reading)) return message;
  message.boot = track.boot;
  message.first = reading.seq;
  Telemetry telemetry({id_, track.boot, reading.seq, tracks_[0].boot, tracks_[0].first, batch}, out, room);
  Column foreign[sizes::kChannels];
  char names[sizes::kChannels * FlashRing::kNameBytes];
  uint32_t foreignOf = 0;
  do {
    const Column* columns = columns_;
    const uint32_t generation = place.cursor.generation;
    if (track.boot != boot_ && !flash_.own(generation)) {
      if (generation != foreignOf && flash_.columnsOf(generation, foreign, names) < reading.count) break;
      foreignOf = generation;
      columns = foreign;
    }
    if (!telemetry.add(reading, columns)) break;
    message.count++;
  } while (batch && fetch(track, reading.seq + 1, place, reading) && reading.seq == message.first + message.count &&
           reading.seq < end && sendable(reading));
  message.payload = telemetry.finish();
  return message;
}

/** The first of this boot at or after `from` that is held. `place` only moves on. */
bool Recorder::fetch(const Track& track, uint32_t from, Place& place, Reading& out) {
  const bool ours = track.boot == boot_;
  if (!ours || from < ramFirst()) {
    if (!place.there) advance(place);
    while (place.there && (place.reading.boot != track.boot || place.reading.seq < from || !heldInFlash(place.reading))) {
      advance(place);
    }
    if (place.there) {
      out = place.reading;
      if (out.unixMs == 0 && track.anchored) out.unixMs = track.anchorMs + static_cast<int64_t>(out.monoMs);
      return true;
    }
    if (!ours) return false;
  }
  for (uint32_t seq = from < ramFirst() ? ramFirst() : from; seq < nextSeq_; seq++) {
    if (!ramHeld(seq)) continue;
    out = slot(seq);
    return true;
  }
  return false;
}

/** It has a time, and one that outlives a power cut if the reading does. */
bool Recorder::sendable(const Reading& reading) const {
  return reading.unixMs != 0 && (reading.boot != boot_ || reading.seq >= undatedBelow_ || anchorDurable_);
}

void Recorder::sent(const Outgoing& message, uint64_t nowMs) {
  Track* track = find(message.boot);
  if (track == nullptr || message.count == 0) return;
  const uint32_t end = message.first + message.count;
  uint32_t* reach = track->reach;
  if (track->boot == boot_ && message.first >= liveNext_) {
    if (message.first <= (reach[0] > track->first ? reach[0] : track->first)) reach[0] = end;
    liveNext_ = end;
    liveAtMs_ = nowMs;
    liveTookAll_ = end >= nextSeq_;
  } else {
    track->due = end;
    track->sentAtMs = nowMs;
    batchAtMs_ = nowMs + kBatchEveryMs;
    if (reach[0] < end) reach[0] = end;
    // All that were sent live since are behind it without a gap.
    if (track->boot == boot_ && end >= liveFrom_ && reach[0] < liveNext_) reach[0] = liveNext_;
    for (size_t i = 0; i < 2; i++) {
      const uint32_t again = end < track->before[i] ? end : track->before[i];
      if (reach[i + 1] < again) reach[i + 1] = again;
    }
    if (message.first < reach[2]) {
      track->thriceAtMs = nowMs;
      if (track->thrice > message.first) track->thrice = message.first;
    }
  }
  if (flightCount_ == kFlights) {
    // Its PUBACK will be nobody's: nothing after it counts as acknowledged without a gap.
    Track* lost = find(flights_[0].boot);
    if (lost != nullptr) lost->dueFrom = UINT32_MAX;
    removeFlight();
  }
  Flight& flight = flights_[flightCount_++];
  flight.boot = message.boot;
  flight.first = message.first;
  flight.end = end;
  flight.acked = false;
}

void Recorder::removeFlight() {
  flightCount_--;
  for (size_t i = 0; i < flightCount_; i++) flights_[i] = flights_[i + 1];
}

void Recorder::acknowledged(const Outgoing& message) {
  for (size_t i = 0; i < flightCount_; i++) {
    Flight& flight = flights_[i];
    if (flight.boot != message.boot || flight.first != message.first || flight.acked) continue;
    flight.acked = true;
    if (flight.boot != boot_) break;
    for (uint32_t seq = flight.first < ramFirst() ? ramFirst() : flight.first; seq < flight.end; seq++) {
      acked_ |= bit(seq);
      if (!keepReceipt_) gone_ |= bit(seq);
    }
    break;
  }
  while (flightCount_ > 0 && flights_[0].acked) {
    landed(flights_[0]);
    removeFlight();
  }
  if (!keepReceipt_) sweep();
}

/** All that were sent before it have landed too. */
void Recorder::landed(const Flight& flight) {
  Track* track = find(flight.boot);
  if (track == nullptr) return;
  const bool ofWalk = track->dueFrom <= track->acked && flight.first >= track->dueFrom && flight.end <= track->due;
  if ((ofWalk || flight.first <= track->acked) && track->acked < flight.end) track->acked = flight.end;
  if (track->boot == boot_ && track->acked >= ramFirst()) {
    while (track->acked < nextSeq_ && (acked_ & bit(track->acked)) != 0) track->acked++;
  }
  if (!keepReceipt_ && track->first < track->acked) track->first = track->acked;
}

bool Recorder::inFlight(uint32_t boot, uint32_t from, uint32_t end) const {
  for (size_t i = 0; i < flightCount_; i++) {
    const Flight& flight = flights_[i];
    if (flight.boot == boot && !flight.acked && flight.first < end && flight.end > from) return true;
  }
  return false;
}

}  // namespace espalier
