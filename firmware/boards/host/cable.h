#pragma once
#include "espalier/ports.h"

namespace espalier {
namespace host {

/** A serial port that is a pseudo-terminal: raw, and there from the first to the last boot of the process. */
class Cable final : public Serial {
 public:
  Cable() = default;
  ~Cable();
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  /** Opens one, or takes over the one of the boot before (`inherited` ≥ 0). `link`: a symbolic link to be made to it; null: none. */
  [[nodiscard]] bool open(int inherited, const char* link);
  [[nodiscard]] size_t read(uint8_t* out, size_t room) override;
  void write(Span bytes) override;
  /** Where a tool connects; "" while closed. */
  [[nodiscard]] const char* path() const { return path_; }
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_ = -1;
  /** The other end: held open, so that a tool that leaves takes nothing with it. */
  int other_ = -1;
  char path_[64] = {};
};

}  // namespace host
}  // namespace espalier
