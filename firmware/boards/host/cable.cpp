#include "cable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace espalier {
namespace host {

Cable::~Cable() {
  if (file_ >= 0) close(file_);
  if (other_ >= 0) close(other_);
}

bool Cable::open(int inherited, const char* link) {
  // Not closed by exec: a reboot keeps the cable plugged in.
  file_ = inherited >= 0 ? inherited : posix_openpt(O_RDWR | O_NOCTTY);
  if (file_ < 0 || (inherited < 0 && (grantpt(file_) != 0 || unlockpt(file_) != 0))) return false;
  if (ptsname_r(file_, path_, sizeof path_) != 0) return false;
  other_ = ::open(path_, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios mode = {};
  if (other_ < 0 || tcgetattr(other_, &mode) != 0) return false;
  if (inherited < 0) {
    cfmakeraw(&mode);
    if (tcsetattr(other_, TCSANOW, &mode) != 0) return false;
  }
  if (fcntl(file_, F_SETFL, O_NONBLOCK) != 0) return false;
  if (link == nullptr || inherited >= 0) return true;
  // A link of an earlier run goes, a file of somebody's does not.
  struct stat found = {};
  if (lstat(link, &found) == 0 && S_ISLNK(found.st_mode)) (void)unlink(link);
  return symlink(path_, link) == 0;
}

size_t Cable::read(uint8_t* out, size_t room) {
  if (file_ < 0) return 0;
  const ssize_t got = ::read(file_, out, room);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

/** What nobody reads is lost when the terminal's buffer is full, as on a cable nobody listens to. */
void Cable::write(Span bytes) {
  for (size_t done = 0; file_ >= 0 && done < bytes.size;) {
    const ssize_t put = ::write(file_, bytes.data + done, bytes.size - done);
    if (put <= 0) return;
    done += static_cast<size_t>(put);
  }
}

}  // namespace host
}  // namespace espalier
