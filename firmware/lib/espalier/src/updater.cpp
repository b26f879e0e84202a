#include "espalier/updater.h"

namespace espalier {
namespace {

/** A board that can't get one sector further in so many boots is better off without. */
constexpr uint8_t kBoots = 50;
/** A slot that is selected and never starts. */
constexpr uint8_t kSelections = 3;

}  // namespace

void Updater::begin(uint64_t nowMs) {
  bootMs_ = nowMs;
  trial_ = slots_.onTrial();
  phase_ = Phase::idle;
  if (!loadJob()) return;
  loadMark();
  if (mark_.outcome != 0) {
    message_ = mark_.outcome == 1 ? Text() : Text("so it ended before the last reset");
    phase_ = Phase::over;
    return;
  }
  const bool old = slots_.running().equals("app1") == (job_.oldSlot == 1);
  if (!old) {
    // The new image. Without a trial it is confirmed, and a cut kept that from being written down.
    phase_ = trial_ ? Phase::switched : Phase::over;
    if (!trial_) (void)end(true, contract::CommandError::rolledBack, Text());
    return;
  }
  const bool whole = mark_.offset == job_.size;
  if (whole && (slots_.gaveUp() || mark_.selections >= kSelections)) {
    (void)end(false, contract::CommandError::rolledBack, "the new image did not confirm itself; the old one runs");
    return;
  }
  if (++mark_.boots > kBoots) {
    (void)end(false, contract::CommandError::downloadFailed, "reset again and again while it downloaded");
    return;
  }
  (void)saveMark();
  phase_ = build_.leavesBroker && !whole ? Phase::leaving : Phase::opening;
}

bool Updater::start(const Command& command, Span publicKey, contract::CommandError& error, char* message, size_t room) {
  const char* said = nullptr;
  if (busy()) {
    error = contract::CommandError::busy;
    said = trial_ ? "this image is on trial itself" : "another update is on";
  } else {
    said = check(command, publicKey, error);
  }
  if (said == nullptr && !saveJob()) {
    error = contract::CommandError::hardware;
    said = "the flash does not take the order";
    forget();
  }
  if (said != nullptr) {
    if (room == 0) return false;
    size_t size = strlen(said);
    if (size >= room) size = room - 1;
    memcpy(message, said, size);
    message[size] = '\0';
    return false;
  }
  at_ = 0;
  told_ = false;
  alone_ = false;
  phase_ = build_.leavesBroker ? Phase::leaving : Phase::opening;
  return true;
}

UpdateNews Updater::step(uint64_t nowMs, bool linkUp) {
  UpdateNews news;
  if (trial_) return tryOut(nowMs);
  switch (phase_) {
    case Phase::idle:
    case Phase::switched:
      return news;
    case Phase::leaving:
      if (alone_) phase_ = Phase::opening;
      if (told_ || alone_) return news;
      told_ = true;
      news.kind = UpdateNews::Kind::leaveBroker;
      return news;
    case Phase::opening:
      return open(nowMs);
    case Phase::fetching:
      return fetch(nowMs, linkUp);
    case Phase::checking:
      return verify();
    case Phase::over:
      if (told_) return news;
      told_ = true;
      news.kind = mark_.outcome == 1 ? UpdateNews::Kind::done : UpdateNews::Kind::failed;
      news.error = static_cast<contract::CommandError>(mark_.error);
      news.message = message_;
      return news;
  }
  return news;
}

Text Updater::commandId() const { return phase_ == Phase::idle ? Text() : Text(job_.command, job_.commandSize); }

void Updater::settled() {
  if (phase_ != Phase::over) return;
  forget();
  phase_ = Phase::idle;
}

void Updater::erase() {
  http_.close();
  forget();
  phase_ = Phase::idle;
}

}  // namespace espalier
