#include "espalier/schedule.h"

namespace espalier {
namespace {

constexpr uint32_t kShortestMs = 100;
constexpr uint32_t kLongestMs = 86400000;

}  // namespace

void Schedule::begin(uint32_t intervalMs, uint32_t random, uint64_t nowMs) {
  slowestMs_ = 0;
  for (size_t i = 0; i < count_; i++)
    if (sensors_[i]->leadMs() > slowestMs_) slowestMs_ = sensors_[i]->leadMs();
  intervalMs_ = bounded(intervalMs);
  extraMs_ = 0;
  for (bool& prepared : prepared_) prepared = false;
  // Not before the slowest sensor can have a value.
  const uint32_t free = intervalMs_ - slowestMs_;
  const uint32_t phase = slowestMs_ + (free > 0 ? random % free : 0);
  nextMs_ = nowMs + phase;
  // As if one had been taken a whole interval before the first.
  lastMs_ = nextMs_ > intervalMs_ ? nextMs_ - intervalMs_ : 0;
}

uint32_t Schedule::bounded(uint32_t intervalMs) const {
  const uint32_t most = intervalMs > kLongestMs ? kLongestMs : intervalMs;
  const uint32_t least = slowestMs_ > kShortestMs ? slowestMs_ : kShortestMs;
  return most < least ? least : most;
}

void Schedule::setInterval(uint32_t intervalMs, uint64_t nowMs) {
  intervalMs_ = bounded(intervalMs);
  nextMs_ = lastMs_ + intervalMs_;
  if (nextMs_ < nowMs + slowestMs_) nextMs_ = nowMs + slowestMs_;
  for (bool& prepared : prepared_) prepared = false;
}

Schedule::Due Schedule::step(uint64_t nowMs) {
  if (extraMs_ != 0) {
    prepare(extraMs_, nowMs);
    if (nowMs >= extraMs_) {
      extraMs_ = 0;
      taken();
      return Due::extra;
    }
  }
  prepare(nextMs_, nowMs);
  if (nowMs < nextMs_) return Due::nothing;
  lastMs_ = nextMs_;
  // Beats that nobody could take are left out, the beat stays.
  nextMs_ += intervalMs_ * ((nowMs - nextMs_) / intervalMs_ + 1);
  taken();
  return Due::beat;
}

void Schedule::ask(uint64_t nowMs) {
  if (extraMs_ == 0) extraMs_ = nowMs + slowestMs_ + (nowMs + slowestMs_ == 0 ? 1 : 0);
}

void Schedule::prepare(uint64_t dueMs, uint64_t nowMs) {
  for (size_t i = 0; i < count_; i++) {
    if (prepared_[i] || nowMs + sensors_[i]->leadMs() < dueMs) continue;
    prepared_[i] = true;
    if (sensors_[i]->leadMs() > 0) sensors_[i]->prepare();
  }
}

void Schedule::taken() {
  for (bool& prepared : prepared_) prepared = false;
}

}  // namespace espalier
