#include "bootloader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slots.h"

namespace espalier {
namespace host {
namespace {

/** Process id first: a child that inherits it was not started by us. */
constexpr char kVariable[] = "ESPALIER_NODE_BOOT";

bool digestFile(const char* path, uint8_t out[32]) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = file >= 0 && context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
  uint8_t piece[65536];
  for (ssize_t got = 1; good && got > 0;) {
    got = read(file, piece, sizeof piece);
    good = got >= 0 && EVP_DigestUpdate(context, piece, static_cast<size_t>(got)) == 1;
  }
  good = good && EVP_DigestFinal_ex(context, out, nullptr) == 1;
  EVP_MD_CTX_free(context);
  if (file >= 0) close(file);
  return good;
}

/** All but the three streams and these two; -1: none. */
void closeBut(int one, int other) {
  const int low = one < other ? one : other;
  const int high = one < other ? other : one;
  unsigned from = 3;
  const int keep[] = {low, high};
  for (const int kept : keep) {
    if (kept < 3) continue;
    if (static_cast<unsigned>(kept) > from) (void)close_range(from, static_cast<unsigned>(kept) - 1, 0);
    from = static_cast<unsigned>(kept) + 1;
  }
  (void)close_range(from, ~0U, 0);
}

}  // namespace

bool wasStarted(Boot& out) {
  const char* text = getenv(kVariable);
  if (text == nullptr) return false;
  int pid = 0;
  int restarted = 0;
  const int read = sscanf(text, "%d %d %" SCNu32 " %" SCNu64 " %d %d %d", &pid, &out.slot, &out.changes, &out.startedNs, &out.cable, &out.lock, &restarted);
  (void)unsetenv(kVariable);
  if (read != 7 || pid != getpid()) {
    out = Boot();
    return false;
  }
  out.restarted = restarted != 0;
  return true;
}

const char* start(const char* directory, Power& power, Boot boot, char** argv) {
  // An image that does not start is a reset: the next one is chosen then.
  for (int resets = 0; resets < 3; resets++) {
    const int slot = chooseSlot(directory, power);
    char path[4096];
    if (slot < 0 || !slotPath(directory, slot, path, sizeof path)) return "no slot holds an image that can be started";
    char text[160];
    (void)snprintf(text, sizeof text, "%d %d %" PRIu32 " %" PRIu64 " %d %d %d", static_cast<int>(getpid()), slot, boot.changes + power.changes(),
                   boot.startedNs, boot.cable, boot.lock, boot.restarted ? 1 : 0);
    if (setenv(kVariable, text, 1) != 0) return "no memory";
    // Signals stay held: the image hears the SIGTERM that came meanwhile.
    // A file that is open for writing is not executed: the slot that was just written.
    closeBut(boot.cable, boot.lock);
    (void)execv(path, argv);
  }
  return "the image can't be started";
}

bool flashIfOther(const char* directory, const char* markerPath) {
  uint8_t own[32];
  uint8_t last[32] = {};
  char slot[4096];
  if (!digestFile("/proc/self/exe", own) || !slotPath(directory, 0, slot, sizeof slot)) return false;
  const int marker = open(markerPath, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (marker < 0) return false;
  const bool same = read(marker, last, sizeof last) == static_cast<ssize_t>(sizeof last) && memcmp(own, last, sizeof own) == 0 && access(slot, X_OK) == 0;
  const bool good = same || (ftruncate(marker, 0) == 0 && flashByCable(directory, "/proc/self/exe") && pwrite(marker, own, sizeof own, 0) == static_cast<ssize_t>(sizeof own));
  return close(marker) == 0 && good;
}

}  // namespace host
}  // namespace espalier
