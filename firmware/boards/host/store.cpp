#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "espalier/secret.h"

namespace espalier {
namespace host {
namespace {

bool putAll(int file, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(file, bytes.data() + done, bytes.size() - done);
    if (put <= 0) return false;
    done += static_cast<size_t>(put);
  }
  return true;
}

bool closeDurably(int file) {
  const bool synced = fdatasync(file) == 0;
  return close(file) == 0 && synced;
}

/** Names stand in the directory: without this a machine that loses its power may come back with the old file under a new name, and a command
 *  that was noted before it was executed would be executed again. */
bool syncDirectory(const std::string& path) {
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool synced = fsync(directory) == 0;
  return close(directory) == 0 && synced;
}

void wipeString(std::string& text) {
  if (!text.empty()) wipe(&text[0], text.size());
}

}  // namespace

std::string FileStore::path(Text name) const { return directory_ + "/" + std::string(name.data, name.size); }

size_t FileStore::read(Text name, size_t offset, uint8_t* out, size_t room) {
  const int file = open(path(name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = pread(file, out, room, static_cast<off_t>(offset));
  close(file);
  return got < 0 ? 0 : static_cast<size_t>(got);
}

bool FileStore::write(Text name, Span bytes) {
  std::string content(reinterpret_cast<const char*>(bytes.data), bytes.size);
  const bool changes = power_.change(reinterpret_cast<uint8_t*>(&content[0]), content.size());
  bool written = true;
  if (changes) {
    // A name no store has: two dots.
    const std::string next = path(name) + "..";
    const int file = open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    written = file >= 0 && putAll(file, content);
    if (file >= 0) written = closeDurably(file) && written;
    written = written && rename(next.c_str(), path(name).c_str()) == 0 && syncDirectory(directory_);
  }
  wipeString(content);
  return power_.changed() && written;
}

bool FileStore::append(Text name, Span bytes) {
  std::string content(reinterpret_cast<const char*>(bytes.data), bytes.size);
  const bool changes = power_.change(reinterpret_cast<uint8_t*>(&content[0]), content.size());
  bool written = true;
  if (changes) {
    const bool fresh = access(path(name).c_str(), F_OK) != 0;
    const int file = open(path(name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    written = file >= 0 && putAll(file, content);
    if (file >= 0) written = closeDurably(file) && written;
    if (fresh) written = syncDirectory(directory_) && written;
  }
  return power_.changed() && written;
}

void FileStore::remove(Text name) {
  if (access(path(name).c_str(), F_OK) != 0) return;
  uint8_t none = 0;
  if (power_.change(&none, 0) && unlink(path(name).c_str()) == 0) (void)syncDirectory(directory_);
  (void)power_.changed();
}

}  // namespace host
}  // namespace espalier
