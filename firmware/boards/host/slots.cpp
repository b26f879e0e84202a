#include "slots.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace espalier {
namespace host {
namespace {

constexpr size_t kBlock = 4096;

/** What the bootloader looks at: an executable begins like one, a script too. The rest is the updater's to have checked. */
bool startable(int file) {
  uint8_t head[4];
  constexpr uint8_t kElf[4] = {0x7F, 'E', 'L', 'F'};
  if (pread(file, head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return false;
  return memcmp(head, kElf, sizeof head) == 0 || memcmp(head, "#!", 2) == 0;
}

bool slotStartable(const char* directory, int slot) {
  char path[4096];
  if (!slotPath(directory, slot, path, sizeof path)) return false;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool good = startable(file);
  close(file);
  return good;
}

bool copy(int from, int to) {
  uint8_t piece[kBlock];
  for (;;) {
    const ssize_t got = read(from, piece, sizeof piece);
    if (got <= 0) return got == 0;
    if (write(to, piece, static_cast<size_t>(got)) != got) return false;
  }
}

}  // namespace

bool slotPath(const char* directory, int slot, char* out, size_t room) {
  const int size = snprintf(out, room, "%s/app%d", directory, slot);
  return size > 0 && static_cast<size_t>(size) < room;
}

int chooseSlot(const char* directory, Power& power) {
  OtaData otadata(directory, power);
  // Whoever was on trial and is started again did not confirm itself.
  for (int place = 0; place < 2; place++) {
    const OtaEntry entry = otadata.entry(place);
    if (entry.good() && entry.state == ImageState::pending && !otadata.setState(place, ImageState::aborted)) return -1;
  }
  const int active = otadata.active();
  const int first = active < 0 ? 0 : otadata.entry(active).slot();
  if (!slotStartable(directory, first)) return slotStartable(directory, 1 - first) ? 1 - first : -1;
  if (active >= 0 && otadata.entry(active).state == ImageState::fresh && !otadata.setState(active, ImageState::pending)) return -1;
  return first;
}

bool flashByCable(const char* directory, const char* imagePath) {
  char path[4096];
  if (!slotPath(directory, 1, path, sizeof path)) return false;
  (void)unlink(path);
  if (!slotPath(directory, 0, path, sizeof path)) return false;
  (void)unlink(path);
  const int from = open(imagePath, O_RDONLY | O_CLOEXEC);
  const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  const bool copied = from >= 0 && to >= 0 && copy(from, to);
  if (from >= 0) close(from);
  const bool durable = to >= 0 && fdatasync(to) == 0;
  if (to >= 0 && close(to) != 0) return false;
  Power power;
  OtaData otadata(directory, power);
  return copied && durable && otadata.format();
}

SlotFiles::SlotFiles(const char* directory, int running, Power& power, void (*restart)(), size_t capacity)
    : power_(power), otadata_(directory, power), restart_(restart), capacity_(capacity), running_(running) {
  (void)slotPath(directory, 1 - running, path_, sizeof path_);
  (void)reopen(O_RDONLY);
}

bool SlotFiles::reopen(int how) {
  if (file_ >= 0) close(file_);
  file_ = open(path_, how | O_CLOEXEC, 0755);
  return file_ >= 0;
}

SlotFiles::~SlotFiles() {
  if (file_ >= 0) close(file_);
}

bool SlotFiles::begin(size_t offset) {
  if (onTrial() || offset % kBlock != 0 || offset > capacity_) return false;
  if (offset == 0) {
    const int place = otadata_.entryOf(1 - running_);
    if (place >= 0 && !otadata_.clear(place)) return false;
  }
  at_ = offset;
  open_ = reopen(O_RDWR | O_CREAT);
  return open_;
}

bool SlotFiles::write(Span bytes) {
  if (!open_ || bytes.size > capacity_ - at_) return false;
  for (size_t done = 0; done < bytes.size;) {
    const size_t left = kBlock - at_ % kBlock;
    const size_t size = left < bytes.size - done ? left : bytes.size - done;
    if ((at_ % kBlock == 0 && !erase(at_)) || !put(bytes.data + done, size)) return false;
    done += size;
  }
  return true;
}

bool SlotFiles::erase(size_t offset) {
  uint8_t blank[kBlock];
  memset(blank, 0xFF, sizeof blank);
  const bool changes = power_.change(blank, sizeof blank);
  const bool written = !changes || pwrite(file_, blank, sizeof blank, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof blank);
  return power_.changed() && written;
}

bool SlotFiles::put(const uint8_t* bytes, size_t size) {
  uint8_t page[kBlock];
  if (pread(file_, page, size, static_cast<off_t>(at_)) != static_cast<ssize_t>(size)) return false;
  for (size_t i = 0; i < size; i++) misused_ = misused_ || page[i] != 0xFF;
  memcpy(page, bytes, size);
  const bool changes = power_.change(page, size);
  const bool written = !changes || pwrite(file_, page, size, static_cast<off_t>(at_)) == static_cast<ssize_t>(size);
  at_ += size;
  return power_.changed() && written;
}

bool SlotFiles::read(size_t offset, uint8_t* out, size_t size) {
  return !power_.off() && pread(file_, out, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

bool SlotFiles::select() {
  open_ = false;
  // What is open to be written to can't be executed, not even by the process that has it open. And the image must be on the disk before
  // otadata names it: the hash was of what the page cache held, and a machine that loses its power may keep either of two files.
  return !power_.off() && reopen(O_RDONLY) && startable(file_) && fdatasync(file_) == 0 && otadata_.select(1 - running_);
}

bool SlotFiles::gaveUp() {
  const int place = otadata_.entryOf(1 - running_);
  return place >= 0 && !otadata_.entry(place).good();
}

bool SlotFiles::onTrial() {
  const int place = otadata_.entryOf(running_);
  return place >= 0 && otadata_.entry(place).state == ImageState::pending;
}

bool SlotFiles::confirm() {
  const int place = otadata_.entryOf(running_);
  return place >= 0 && otadata_.setState(place, ImageState::valid);
}

void SlotFiles::rollBack() {
  const int place = otadata_.entryOf(running_);
  if (place >= 0) (void)otadata_.setState(place, ImageState::invalid);
  if (restart_ != nullptr) restart_();
}

}  // namespace host
}  // namespace espalier
