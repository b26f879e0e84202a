#include "power.h"

#include <time.h>

namespace espalier {
namespace host {

void Power::cutAt(uint32_t nth, Tear tear, Tail tail) {
  cutAt_ = nth == 0 ? 0 : changes_ + nth;
  tear_ = tear;
  tail_ = tail;
}

void Power::on() {
  off_ = false;
  cutAt_ = 0;
}

bool Power::change(uint8_t* bytes, size_t size) {
  if (off_) return false;
  if (slowUs_ > 0) {
    timespec left = {static_cast<time_t>(slowUs_ / 1000000), static_cast<long>(slowUs_ % 1000000) * 1000};
    while (nanosleep(&left, &left) != 0) {
    }
  }
  changes_++;
  off_ = changes_ == cutAt_;
  if (!off_) return true;
  if (tear_ == Tear::old) return false;
  for (size_t i = size / 2; tear_ == Tear::half && i < size; i++) bytes[i] = tail_ == Tail::erased ? 0xFF : garbage();
  return true;
}

bool Power::changed() {
  if (off_ && handler_ != nullptr) handler_();
  return !off_;
}

/** The same in every run. */
uint8_t Power::garbage() {
  noise_ = noise_ * 1664525U + 1013904223U;
  return static_cast<uint8_t>(noise_ >> 24U);
}

}  // namespace host
}  // namespace espalier
