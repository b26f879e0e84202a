#pragma once
#include <string>

#include "power.h"
#include "espalier/ports.h"

namespace espalier {
namespace host {

/** Files of one directory as flash. A change reaches the disk before the call returns, and is whole after a `kill -9`; a power cut by
 *  --fault leaves what the port allows: the old bytes, the new ones, or half of them with 0xFF or garbage behind. */
class FileStore final : public Store {
 public:
  /** `directory`: there, of this user alone. */
  FileStore(const char* directory, Power& power) : directory_(directory), power_(power) {}
  [[nodiscard]] size_t read(Text name, size_t offset, uint8_t* out, size_t room) override;
  [[nodiscard]] bool write(Text name, Span bytes) override;
  [[nodiscard]] bool append(Text name, Span bytes) override;
  void remove(Text name) override;

 private:
  [[nodiscard]] std::string path(Text name) const;

  std::string directory_;
  Power& power_;
};

}  // namespace host
}  // namespace espalier
