#include "espalier/recorder.h"

namespace espalier {
namespace {

/** A clock that was set back by less is waited for, by more is followed. */
constexpr int64_t kSetBackMs = 10000;
constexpr double kScale[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
static_assert(sizes::kRamReadings == 64, "one bit a reading in a word");

/** To the nearest 10^-decimals; what is no number or does not fit is no value. */
int32_t scaled(double value, uint8_t decimals) {
  const double wide = value * kScale[decimals < 7 ? decimals : 6];
  if (!(wide > -2147483000.0 && wide < 2147483000.0)) return kNoValue;
  const auto whole = static_cast<int32_t>(wide);
  const double rest = wide - whole;
  return whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

/** The first time at or after this one that stands on the phase. */
int64_t onPhase(int64_t unixMs, uint32_t phase) {
  const int64_t late = (unixMs - phase % kTickMs) % kTickMs;
  return late == 0 ? unixMs : unixMs + kTickMs - late;
}

}  // namespace

void Recorder::begin(const Options& options, uint32_t boot, uint64_t nowMs) {
  id_ = options.id;
  boot_ = boot;
  limit_ = options.ringReadings;
  keepReceipt_ = options.keepReceipt;
  columnCount_ = options.channelCount < sizes::kChannels ? options.channelCount : sizes::kChannels;
  for (size_t i = 0; i < columnCount_; i++) {
    columns_[i].name = options.channels[i].name;
    columns_[i].decimals = options.channels[i].decimals < 7 ? options.channels[i].decimals : 6;
  }
  // Without the file, the boot itself is as good a phase as any.
  if (!stateFile_.load(state_)) state_.phase = boot;
  state_.phase++;
  flash_.begin(columns_, columnCount_, state_.goneSegments);
  trackCount_ = 1;
  tracks_[0] = Track();
  tracks_[0].boot = boot;
  survey();
  sweep();
  saveState();
  stateAtMs_ = nowMs;
  keepWithinLimit();
}

uint32_t Recorder::take(const double* values, bool hasRssi, int8_t rssi, uint64_t nowMs) {
  learnTime();
  makeRoom(nowMs);
  const uint32_t seq = nextSeq_;
  Reading& reading = slot(seq);
  reading = Reading();
  reading.boot = boot_;
  reading.seq = seq;
  if (hasRssi) reading.rssi = rssi;
  reading.count = static_cast<uint8_t>(columnCount_);
  for (size_t i = 0; i < columnCount_; i++) reading.values[i] = scaled(values[i], columns_[i].decimals);
  const uint64_t least = seq == 0 ? 0 : lastMonoMs_ + kTickMs;
  reading.monoMs = (nowMs + kTickMs - 1) / kTickMs * kTickMs;
  if (reading.monoMs < least) reading.monoMs = least;
  lastMonoMs_ = reading.monoMs;
  stamp(reading);
  acked_ &= ~bit(seq);
  gone_ &= ~bit(seq);
  nextSeq_++;
  own().end = nextSeq_;
  keepWithinLimit();
  return seq;
}

/** Gives it the wall's time, if there is one. Two readings never share a millisecond: on one phase times only grow, and a clock that was
 *  set back far begins another. */
void Recorder::stamp(Reading& reading) {
  int64_t wallMs = 0;
  if (!clock_.at(reading.monoMs, wallMs)) return;
  int64_t unixMs = onPhase(wallMs, state_.phase);
  if (unixMs <= lastUnixMs_ && lastUnixMs_ - wallMs >= kSetBackMs) {
    state_.phase++;
    saveState();
    unixMs = onPhase(wallMs, state_.phase);
  } else if (unixMs <= lastUnixMs_) {
    unixMs = lastUnixMs_ + kTickMs;
  }
  reading.unixMs = lastUnixMs_ = unixMs;
}

/** The first time this boot knows the time, it dates what waits, once and for all. */
void Recorder::learnTime() {
  Track& track = own();
  int64_t bootAtMs = 0;
  if (track.anchored || !clock_.at(0, bootAtMs)) return;
  track.anchored = true;
  track.anchorMs = onPhase(bootAtMs, state_.phase);
  if (nextSeq_ > 0) lastUnixMs_ = track.anchorMs + static_cast<int64_t>(lastMonoMs_);
  for (uint32_t seq = ramFirst(); seq < nextSeq_; seq++) slot(seq).unixMs = track.anchorMs + static_cast<int64_t>(slot(seq).monoMs);
  // Flash must know the date before anybody else does.
  anchorDurable_ = undatedBelow_ == 0;
}

/** The place of the next reading is still taken by the one 64 before it. */
void Recorder::makeRoom(uint64_t nowMs) {
  if (nextSeq_ < sizes::kRamReadings) return;
  const auto leaving = static_cast<uint32_t>(nextSeq_ - sizes::kRamReadings);
  if (leaving >= flashedTo_ && ramHeld(leaving) && flashMay(nowMs)) toFlash(nowMs);
  if (leaving >= flashedTo_) {
    if (ramHeld(leaving)) {
      state_.dropped++;
      stateDirty_ = true;
    }
    flashedTo_ = leaving + 1;
    sweep();
  }
  if (online_ && liveNext_ <= leaving) {
    // It goes as backlog now.
    Track& track = own();
    if (track.due >= track.dueEnd) walk(track, liveNext_, leaving + 1);
    track.dueEnd = liveNext_ = leaving + 1;
  }
}

uint32_t Recorder::ramFirst() const {
  return nextSeq_ < sizes::kRamReadings ? 0 : nextSeq_ - static_cast<uint32_t>(sizes::kRamReadings);
}

/** Of a reading in RAM. */
bool Recorder::ramHeld(uint32_t seq) const { return seq >= own().first && (gone_ & bit(seq)) == 0; }

void Recorder::keepWithinLimit() {
  while (limit_ > 0 && held() > limit_) dropOldest();
}

void Recorder::dropOldest() {
  state_.dropped++;
  stateDirty_ = true;
  if (head_.there) {
    Track* track = find(head_.reading.boot);
    if (track != nullptr) free(*track, head_.reading.seq + 1);
  } else {
    free(own(), own().first + 1);
  }
}

uint32_t Recorder::held() const { return flashCount_ + waitingInRam(); }

uint32_t Recorder::backlog() const {
  if (!online_) return held();
  uint32_t sum = 0;
  for (size_t i = 0; i < trackCount_; i++) {
    if (tracks_[i].due < tracks_[i].dueEnd) sum += tracks_[i].dueEnd - tracks_[i].due;
  }
  return sum;
}

size_t Recorder::lastSensors(char* out, size_t room) const {
  JsonWriter json(out, room);
  const Reading none;
  writeSensors(json, nextSeq_ == 0 ? none : slot(nextSeq_ - 1), columns_);
  return json.size();
}

}  // namespace espalier
