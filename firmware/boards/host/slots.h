#pragma once
#include "espalier/ports.h"
#include "otadata.h"

namespace espalier {
namespace host {

/** Two images in a directory as on the ESP32 in flash: `app0`, `app1` (executables), and `otadata` with the states of ESP-IDF: fresh,
 *  pending from its first start, valid by confirm(), aborted by any reset before. Blocks of 4,096 bytes are erased, then written once. */
constexpr size_t kSlotBytes = 32U * 1024U * 1024U;

/** What the bootloader does at every reset: the slot to start, 0 or 1, its state moved on; -1: no image there can be started. Run it before
 *  anything else, and then the file of slotPath(). */
[[nodiscard]] int chooseSlot(const char* directory, Power& power);
/** As a cable does: the image into app0, app1 empty, no trial. */
[[nodiscard]] bool flashByCable(const char* directory, const char* imagePath);
/** False: it does not fit. */
[[nodiscard]] bool slotPath(const char* directory, int slot, char* out, size_t room);

class SlotFiles final : public Slots {
 public:
  /** `running`: what chooseSlot() said. `restart`: of the machine, for rollBack(). */
  SlotFiles(const char* directory, int running, Power& power, void (*restart)(), size_t capacity = kSlotBytes);
  ~SlotFiles();
  SlotFiles(const SlotFiles&) = delete;
  SlotFiles& operator=(const SlotFiles&) = delete;

  [[nodiscard]] size_t capacity() override { return capacity_; }
  [[nodiscard]] bool begin(size_t offset) override;
  [[nodiscard]] bool write(Span bytes) override;
  [[nodiscard]] bool read(size_t offset, uint8_t* out, size_t size) override;
  [[nodiscard]] bool select() override;
  [[nodiscard]] bool gaveUp() override;
  [[nodiscard]] bool onTrial() override;
  [[nodiscard]] bool confirm() override;
  void rollBack() override;
  [[nodiscard]] Text running() override { return running_ == 0 ? Text("app0") : Text("app1"); }

  /** Somebody wrote where flash was not erased: a fault of the caller. */
  [[nodiscard]] bool misused() const { return misused_; }

 private:
  [[nodiscard]] bool reopen(int how);
  [[nodiscard]] bool erase(size_t offset);
  [[nodiscard]] bool put(const uint8_t* bytes, size_t size);

  Power& power_;
  OtaData otadata_;
  void (*restart_)();
  size_t capacity_;
  size_t at_ = 0;
  int running_;
  /** Of the other slot. */
  char path_[4096] = {};
  int file_ = -1;
  bool open_ = false;
  bool misused_ = false;
};

}  // namespace host
}  // namespace espalier
