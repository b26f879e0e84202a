#include "otadata.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "espalier/crc32.h"

namespace espalier {
namespace host {
namespace {

constexpr off_t kBlock = 4096;

uint32_t crcOf(uint32_t sequence) { return crc32(Span(reinterpret_cast<const uint8_t*>(&sequence), sizeof sequence)); }

}  // namespace

bool OtaEntry::there() const { return sequence != 0xFFFFFFFF && sequence != 0 && crc == crcOf(sequence); }

bool OtaEntry::good() const { return there() && state != ImageState::invalid && state != ImageState::aborted; }

OtaData::OtaData(const char* directory, Power& power) : power_(power), file_(-1) {
  char path[4096];
  const int size = snprintf(path, sizeof path, "%s/otadata", directory);
  if (size > 0 && static_cast<size_t>(size) < sizeof path) file_ = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

OtaData::~OtaData() {
  if (file_ >= 0) close(file_);
}

bool OtaData::format() {
  OtaEntry entry;
  entry.sequence = 1;
  entry.crc = crcOf(1);
  return clear(1) && put(0, entry);
}

OtaEntry OtaData::entry(int place) const {
  OtaEntry entry;
  uint8_t bytes[sizeof entry];
  if (pread(file_, bytes, sizeof bytes, place * kBlock) == static_cast<ssize_t>(sizeof bytes)) memcpy(&entry, bytes, sizeof entry);
  return entry;
}

int OtaData::active() const {
  const OtaEntry first = entry(0);
  const OtaEntry second = entry(1);
  if (first.good() && second.good()) return first.sequence > second.sequence ? 0 : 1;
  return first.good() ? 0 : second.good() ? 1 : -1;
}

int OtaData::entryOf(int slot) const {
  int found = -1;
  for (int place = 0; place < 2; place++) {
    const OtaEntry seen = entry(place);
    if (seen.there() && seen.slot() == slot && (found < 0 || entry(found).sequence < seen.sequence)) found = place;
  }
  return found;
}

bool OtaData::setState(int place, ImageState state) {
  OtaEntry changed = entry(place);
  changed.state = state;
  return put(place, changed);
}

bool OtaData::clear(int place) {
  uint8_t blank[kBlock];
  memset(blank, 0xFF, sizeof blank);
  const bool changes = power_.change(blank, sizeof blank);
  const bool written = !changes || pwrite(file_, blank, sizeof blank, place * kBlock) == static_cast<ssize_t>(sizeof blank);
  return power_.changed() && written;
}

bool OtaData::select(int slot) {
  const int now = active();
  OtaEntry next;
  next.sequence = now < 0 ? 1 : entry(now).sequence + 1;
  if (next.slot() != slot) next.sequence++;
  next.state = ImageState::fresh;
  next.crc = crcOf(next.sequence);
  return put(now == 0 ? 1 : 0, next);
}

bool OtaData::put(int place, const OtaEntry& entry) {
  uint8_t bytes[sizeof entry];
  memcpy(bytes, &entry, sizeof entry);
  if (!clear(place)) return false;
  const bool changes = power_.change(bytes, sizeof bytes);
  const bool written = !changes || pwrite(file_, bytes, sizeof bytes, place * kBlock) == static_cast<ssize_t>(sizeof bytes);
  // A state lost with the machine's power would be tried, or gone back from, once more.
  const bool durable = fdatasync(file_) == 0;
  return power_.changed() && written && durable;
}

}  // namespace host
}  // namespace espalier
