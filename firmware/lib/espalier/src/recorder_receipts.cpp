#include "espalier/recorder.h"

/** What receipts say: settled readings leave, those they passed go out again, and what cannot be read is given up (wire contract §3). */
namespace espalier {
namespace {

constexpr uint64_t kResendMs = 30000;

constexpr uint32_t after(uint32_t seq) { return seq == UINT32_MAX ? seq : seq + 1; }
constexpr uint32_t lesser(uint32_t a, uint32_t b) { return a < b ? a : b; }

}  // namespace

void Recorder::receipts(const Receipts& receipts, uint64_t nowMs) {
  for (size_t i = 0; i < receipts.count; i++) receipt(receipts.entries[i], nowMs);
}

void Recorder::receipt(const Receipt& receipt, uint64_t nowMs) {
  Track* track = find(receipt.boot);
  if (track == nullptr) return;
  const uint32_t unsettled = receipt.settled ? after(receipt.seq) : 0;
  // What was never sent cannot be settled.
  free(*track, lesser(unsettled, track->boot == boot_ ? liveNext_ : track->end));
  track = find(receipt.boot);
  if (track == nullptr) return;
  const uint32_t seen = lesser(after(receipt.seen), track->reach[0]);
  if (seen <= track->first) return;
  if (track->seen < seen) track->seen = seen;
  if (track->mark <= track->first) {
    track->mark = seen;
    track->markAtMs = nowMs;
  }
  if (keepReceipt_ && track->first == unsettled) giveUp(*track);
}

/** The receipt ends right before the track's first: if that was sent three times, the last time 30 s ago, the manager cannot read it. Of
 *  those behind it nothing is known. */
void Recorder::giveUp(Track& track) {
  const uint32_t seq = track.first;
  const bool due = track.due <= seq && track.due < track.dueEnd;
  if (track.thrice <= seq || due || inFlight(track.boot, seq, seq + 1)) return;
  state_.dropped++;
  stateDirty_ = true;
  free(track, seq + 1);
}

/** What was passed 30 s ago, and sent 30 s ago, is due again, unless it had its three sends. Where PUBACK frees, what has none and is not on
 *  its way. */
void Recorder::resend(uint64_t nowMs) {
  if (!online_) return;
  for (size_t i = 0; i < trackCount_; i++) {
    Track& track = tracks_[i];
    if (nowMs - track.thriceAtMs >= kResendMs) track.thrice = track.reach[2];
    if (track.due < track.dueEnd || nowMs - track.sentAtMs < kResendMs) continue;
    const uint32_t end = keepReceipt_ ? track.mark : track.boot == boot_ ? lesser(track.reach[0], liveNext_) : track.end;
    const uint32_t from = keepReceipt_ && track.reach[2] > track.first ? track.reach[2] : track.first;
    if (end <= from || (keepReceipt_ && nowMs - track.markAtMs < kResendMs)) continue;
    if (inFlight(track.boot, from, end)) continue;
    walk(track, from, end);
    track.mark = track.seen;
    track.markAtMs = nowMs;
  }
}

/** All before are settled, or given up. */
void Recorder::free(Track& track, uint32_t upTo) {
  if (upTo <= track.first) return;
  track.first = lesser(upTo, track.end);
  if (track.due < track.first) track.due = track.first;
  sweep();
}

void Recorder::setKeepReceipt(bool keep) {
  keepReceipt_ = keep;
  if (keep) return;
  gone_ |= acked_;
  for (size_t i = 0; i < trackCount_; i++) {
    if (tracks_[i].first < tracks_[i].acked) tracks_[i].first = tracks_[i].acked;
  }
  sweep();
}

Recorder::Track* Recorder::find(uint32_t boot) {
  for (size_t i = 0; i < trackCount_; i++) {
    if (tracks_[i].boot == boot) return &tracks_[i];
  }
  return nullptr;
}

}  // namespace espalier
