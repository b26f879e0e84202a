#include "espalier/updater.h"

/** From an image in flash to one that runs for good: looked at where it stands, made the next to start, and kept only when it reached the
 *  broker. */
namespace espalier {
namespace {

using contract::CommandError;

constexpr uint32_t kPiece = 512;
/** 32 KB: some 10 ms of reading and hashing on the board. */
constexpr uint32_t kPiecesAStep = 64;
constexpr uint64_t kTrialMs = 300000;

}  // namespace

UpdateNews Updater::beginCheck() {
  http_.close();
  crypto_.sha256Begin();
  search_.begin();
  at_ = 0;
  phase_ = Phase::checking;
  return UpdateNews();
}

UpdateNews Updater::verify() {
  uint8_t piece[kPiece];
  for (uint32_t i = 0; i < kPiecesAStep && at_ < job_.size; i++) {
    const uint32_t size = job_.size - at_ < kPiece ? job_.size - at_ : kPiece;
    if (!slots_.read(at_, piece, size)) return end(false, CommandError::hardware, "the flash can't be read");
    crypto_.sha256Add(Span(piece, size));
    search_.add(piece, size);
    at_ += size;
  }
  return at_ < job_.size ? UpdateNews() : judgeImage();
}

UpdateNews Updater::judgeImage() {
  uint8_t hash[32];
  crypto_.sha256End(hash);
  if (memcmp(hash, job_.sha256, sizeof hash) != 0) return end(false, CommandError::badHash, "what stands in flash has another hash");
  if (!search_.found()) return end(false, CommandError::badManifest, "the image does not say what it is");
  if (!boardOf(search_.marker()).equals(build_.board) || !versionOf(search_.marker()).equals(Text(job_.version, job_.versionSize)))
    return end(false, CommandError::badManifest, "the image is of another board or version than its manifest says");
  return change();
}

UpdateNews Updater::change() {
  // Written before: a slot that is selected and never starts can't be selected for ever.
  mark_.selections++;
  if (!saveMark()) return end(false, CommandError::hardware, "the flash does not take the order");
  if (!slots_.select()) return end(false, CommandError::hardware, "the image can't be started");
  phase_ = Phase::switched;
  UpdateNews news;
  news.kind = UpdateNews::Kind::restart;
  return news;
}

UpdateNews Updater::tryOut(uint64_t nowMs) {
  if (born_ && evidence_ == kEvidence && slots_.confirm()) {
    trial_ = false;
    // An image that came by cable, or whose order a factory reset forgot, is on trial for nobody.
    return phase_ == Phase::switched ? end(true, CommandError::rolledBack, Text()) : UpdateNews();
  }
  if (nowMs - bootMs_ < kTrialMs || givenUp_) return UpdateNews();
  givenUp_ = true;
  slots_.rollBack();
  return UpdateNews();
}

UpdateNews Updater::end(bool good, CommandError error, Text message) {
  http_.close();
  mark_.outcome = good ? 1 : 2;
  mark_.error = static_cast<uint8_t>(error);
  message_ = message;
  told_ = false;
  phase_ = Phase::over;
  (void)saveMark();
  return UpdateNews();
}

}  // namespace espalier
