#include "espalier/updater.h"

/** Gets the image into the slot that does not run, however often the line breaks. A broken line goes on at the very byte, a reboot at the
 *  last sector that was whole; no answer is believed: what counts is checked in flash afterwards. */
namespace espalier {
namespace {

using contract::CommandError;

constexpr uint32_t kSector = 4096;
/** In a row, without a sector in between. */
constexpr uint8_t kFailures = 30;
/** Answers that will hardly change: a token that is used up, an image that is not there. */
constexpr uint8_t kRefusals = 5;
constexpr uint64_t kWholeMs = 3600000;
constexpr uint64_t kSilenceMs = 30000;
constexpr uint32_t kFirstWaitMs = 1000;
constexpr uint32_t kLongestWaitMs = 60000;
constexpr uint8_t kTellPercent = 5;

}  // namespace

UpdateNews Updater::open(uint64_t nowMs) {
  at_ = mark_.offset;
  asking_ = false;
  failures_ = 0;
  refusals_ = 0;
  toldPercent_ = percent();
  sinceMs_ = nowMs;
  retryMs_ = nowMs;
  if (at_ == job_.size) return beginCheck();
  if (littleMemory()) return end(false, CommandError::noSpace, kLittleMemory);
  if (!slots_.begin(at_)) return end(false, CommandError::hardware, "the slot can't be opened");
  phase_ = Phase::fetching;
  return UpdateNews();
}

UpdateNews Updater::fetch(uint64_t nowMs, bool linkUp) {
  if (nowMs - sinceMs_ >= kWholeMs) return end(false, CommandError::downloadFailed, "not there within an hour");
  if (!asking_) {
    if (!linkUp || nowMs < retryMs_) return UpdateNews();
    heardMs_ = nowMs;
    from_ = at_;
    asking_ = http_.open(Text(job_.url, job_.urlSize), at_);
    return asking_ ? UpdateNews() : lost(nowMs);
  }
  uint8_t piece[512];
  for (;;) {
    const uint32_t sector = kSector - at_ % kSector;
    size_t room = sector < job_.size - at_ ? sector : job_.size - at_;
    if (room > sizeof piece) room = sizeof piece;
    size_t got = 0;
    const HttpState state = http_.read(piece, room, got);
    const int status = http_.status();
    if (status == 416) return startOver() ? lost(nowMs) : slotBroken();
    if (status != 0 && status != 200 && status != 206) return refused(nowMs, status);
    if (state == HttpState::failed) return lost(nowMs);
    if (state == HttpState::waiting) return nowMs - heardMs_ >= kSilenceMs ? lost(nowMs) : UpdateNews();
    // Whole although a part was asked for: this server knows no ranges.
    if (status == 200 && from_ != 0 && !startOver()) return slotBroken();
    if (state == HttpState::done) return end(false, CommandError::truncated, "the image ends before its size");
    heardMs_ = nowMs;
    if (!slots_.write(Span(piece, got))) return slotBroken();
    at_ += static_cast<uint32_t>(got);
    if (at_ == job_.size || at_ % kSector == 0) return sectorDone();
  }
}

UpdateNews Updater::sectorDone() {
  mark_.offset = at_;
  mark_.boots = 0;
  failures_ = 0;
  refusals_ = 0;
  (void)saveMark();
  if (at_ == job_.size) return beginCheck();
  UpdateNews news;
  if (percent() < toldPercent_ + kTellPercent) return news;
  toldPercent_ = percent();
  news.kind = UpdateNews::Kind::progress;
  news.percent = toldPercent_;
  return news;
}

/** The mark first: a slot begun anew under an old mark would be gone on with in the wrong place. */
bool Updater::startOver() {
  at_ = 0;
  from_ = 0;
  mark_.offset = 0;
  toldPercent_ = 0;
  return saveMark() && slots_.begin(0);
}

UpdateNews Updater::lost(uint64_t nowMs) {
  http_.close();
  asking_ = false;
  if (++failures_ >= kFailures) return end(false, CommandError::downloadFailed, "the line broke 30 times in a row");
  const uint32_t shift = failures_ < 6U ? failures_ - 1U : 6U;
  const uint32_t most = kFirstWaitMs << shift;
  retryMs_ = nowMs + kFirstWaitMs + system_.random() % (most < kLongestWaitMs ? most : kLongestWaitMs);
  return UpdateNews();
}

/** Redirections too: the image is where the manifest says. */
UpdateNews Updater::refused(uint64_t nowMs, int status) {
  if (status < 500 && ++refusals_ >= kRefusals) {
    http_.close();
    return end(false, CommandError::downloadFailed, status == 404 ? Text("no such image there") : Text("refused the image"));
  }
  return lost(nowMs);
}

UpdateNews Updater::slotBroken() { return end(false, CommandError::hardware, "the flash does not take the image"); }

uint8_t Updater::percent() const { return static_cast<uint8_t>(static_cast<uint64_t>(at_) * 100U / job_.size); }

}  // namespace espalier
