#include "espalier/outputs.h"

namespace espalier {

void Outputs::begin(const Configuration& configuration, uint64_t nowMs) {
  configure(configuration);
  away_ = true;
  awaySinceMs_ = nowMs;
  toSafe();
}

void Outputs::configure(const Configuration& configuration) {
  for (size_t i = 0; i < count_; i++) {
    safe_[i] = configuration.safe[i];
    safeNow_[i] = false;
  }
  safeAfterS_ = configuration.safeAfterS;
}

size_t Outputs::find(Text name) const {
  size_t index = 0;
  while (index < count_ && !outputs_[index]->name().equals(name)) index++;
  return index;
}

Outputs::Set Outputs::set(Text name, double value) {
  const size_t index = find(name);
  if (index == count_) return Set::unknownName;
  pulseEndsMs_[index] = 0;
  return put(index, value) ? Set::done : Set::hardware;
}

Outputs::Set Outputs::pulse(Text name, uint32_t ms, uint64_t nowMs) {
  const Set set = this->set(name, 1);
  if (set == Set::done) pulseEndsMs_[find(name)] = nowMs + ms;
  return set;
}

bool Outputs::pulsing(Text name) const {
  const size_t index = find(name);
  return index < count_ && pulseEndsMs_[index] != 0;
}

void Outputs::connected(bool connected, uint64_t nowMs) {
  if (away_ == !connected) return;
  away_ = !connected;
  awaySinceMs_ = nowMs;
}

void Outputs::step(uint64_t nowMs) {
  for (size_t i = 0; i < count_; i++) {
    if (pulseEndsMs_[i] == 0 || pulseEndsMs_[i] > nowMs) continue;
    // Not switched off: tried again with the next step.
    if (put(i, 0)) pulseEndsMs_[i] = 0;
  }
  const uint64_t afterMs = static_cast<uint64_t>(safeAfterS_) * 1000;
  if (away_ && nowMs - awaySinceMs_ >= afterMs) toSafe();
}

void Outputs::toSafe() {
  for (size_t i = 0; i < count_; i++) {
    if (safeNow_[i]) continue;
    pulseEndsMs_[i] = 0;
    safeNow_[i] = put(i, safe_[i]);
  }
}

bool Outputs::put(size_t index, double value) {
  safeNow_[index] = false;
  if (!outputs_[index]->set(value)) return false;
  values_[index] = value;
  return true;
}

}  // namespace espalier
