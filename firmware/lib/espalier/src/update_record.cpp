#include "espalier/crc32.h"
#include "espalier/updater.h"

/** What of an update stands in flash. The job is written once, the mark in turn to one of two names, so that a cut in it leaves the older
 *  one. A mark counts only with the job whose CRC it has. */
namespace espalier {
namespace {

constexpr uint32_t kJobMagic = 0x316A6F65U;
constexpr uint32_t kMarkMagic = 0x316D6F65U;
constexpr Text kJob = "ota.job";
constexpr Text kMarks[2] = {"ota.a", "ota.b"};

template <typename Record>
uint32_t crcOf(const Record& record) {
  return crc32(Span(reinterpret_cast<const uint8_t*>(&record), sizeof record - sizeof record.crc));
}

template <typename Record>
bool load(Store& store, Text name, uint32_t magic, Record& out) {
  if (store.read(name, 0, reinterpret_cast<uint8_t*>(&out), sizeof out) != sizeof out) return false;
  return out.magic == magic && out.crc == crcOf(out);
}

template <typename Record>
bool save(Store& store, Text name, Record& record) {
  record.crc = crcOf(record);
  return store.write(name, Span(reinterpret_cast<const uint8_t*>(&record), sizeof record));
}

}  // namespace

bool Updater::saveJob() {
  job_.magic = kJobMagic;
  if (!save(store_, kJob, job_)) return false;
  mark_ = UpdateMark();
  return saveMark();
}

bool Updater::loadJob() {
  const bool good = load(store_, kJob, kJobMagic, job_) && job_.commandSize <= sizeof job_.command &&
                    job_.versionSize <= sizeof job_.version && job_.urlSize <= sizeof job_.url;
  if (!good) job_ = UpdateJob();
  return good;
}

void Updater::loadMark() {
  mark_ = UpdateMark();
  mark_.job = job_.crc;
  for (const Text name : kMarks) {
    UpdateMark mark;
    if (!load(store_, name, kMarkMagic, mark) || mark.job != job_.crc || mark.generation <= mark_.generation) continue;
    mark_ = mark;
  }
  if (mark_.offset > job_.size) mark_.offset = 0;
}

bool Updater::saveMark() {
  mark_.magic = kMarkMagic;
  mark_.job = job_.crc;
  mark_.generation++;
  return save(store_, kMarks[mark_.generation & 1U], mark_);
}

void Updater::forget() {
  // The job first: marks without it say nothing.
  store_.remove(kJob);
  for (const Text name : kMarks) store_.remove(name);
  job_ = UpdateJob();
  mark_ = UpdateMark();
}

}  // namespace espalier
