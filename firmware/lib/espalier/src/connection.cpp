#include "espalier/connection.h"

namespace espalier {

void Connection::begin(uint32_t seed, uint64_t nowMs) {
  // xorshift must not start at 0.
  state_ = seed == 0 ? 1 : seed;
  enter(Phase::boot, nowMs);
}

void Connection::go(uint64_t nowMs, bool anew) {
  if (anew) joined_ = false;
  failures_ = 0;
  nextAttemptMs_ = attempted_ ? lastAttemptMs_ + kFloorMs : nowMs;
  enter(Phase::network, nowMs);
}

void Connection::rest() { phase_ = Phase::boot; }

Connection::Do Connection::step(const Surroundings& around, uint64_t nowMs) {
  switch (phase_) {
    case Phase::boot:
      return Do::nothing;
    case Phase::network:
      if (!joined_ || (!around.linkUp && nowMs - sinceMs_ > kJoinMs)) {
        joined_ = true;
        sinceMs_ = nowMs;
        return Do::join;
      }
      if (around.linkUp) enter(Phase::time, nowMs);
      return Do::nothing;
    case Phase::time:
      if (around.timeKnown || nowMs - sinceMs_ >= kTimeMs) enter(Phase::pause, nowMs);
      break;
    case Phase::pause:
      if (!around.linkUp || nowMs < nextAttemptMs_) break;
      lastAttemptMs_ = nowMs;
      attempted_ = true;
      enter(Phase::connecting, nowMs);
      return Do::connect;
    case Phase::connecting:
    case Phase::subscribing:
      if (nowMs - sinceMs_ <= kAnswerMs) break;
      fail(nowMs);
      return Do::abort;
    case Phase::running:
      break;
  }
  if (around.linkUp) return Do::nothing;
  const bool line = phase_ != Phase::time && phase_ != Phase::pause;
  if (line) fail(nowMs);
  enter(Phase::network, nowMs);
  return line ? Do::abort : Do::nothing;
}

Connection::Do Connection::hear(MqttEventKind what, uint64_t nowMs) {
  switch (what) {
    case MqttEventKind::connected:
      if (phase_ != Phase::connecting) return Do::nothing;
      enter(Phase::subscribing, nowMs);
      return Do::subscribe;
    case MqttEventKind::subscribed:
      if (phase_ != Phase::subscribing) return Do::nothing;
      enter(Phase::running, nowMs);
      return Do::birth;
    case MqttEventKind::refused:
    case MqttEventKind::disconnected:
      if (phase_ == Phase::connecting || phase_ == Phase::subscribing || phase_ == Phase::running) fail(nowMs);
      return Do::nothing;
    case MqttEventKind::none:
    case MqttEventKind::acknowledged:
    case MqttEventKind::message:
      break;
  }
  return Do::nothing;
}

void Connection::enter(Phase phase, uint64_t nowMs) {
  phase_ = phase;
  sinceMs_ = nowMs;
}

void Connection::fail(uint64_t nowMs) {
  uint32_t top = kCeilingMs;
  if (failures_ < 5) top = kFirstMs << failures_;
  if (failures_ < 5) failures_++;
  nextAttemptMs_ = nowMs + random() % (top + 1);
  // However soon it failed, and however small the draw.
  if (nextAttemptMs_ < lastAttemptMs_ + kFloorMs) nextAttemptMs_ = lastAttemptMs_ + kFloorMs;
  enter(Phase::pause, nowMs);
}

uint32_t Connection::random() {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 17;
  state_ ^= state_ << 5;
  return state_;
}

}  // namespace espalier
