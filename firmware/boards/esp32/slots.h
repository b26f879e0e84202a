#pragma once
#include "esp_ota_ops.h"
#include "espalier/ports.h"

/** app0 and app1 of the partition table, with the bootloader's rollback. */
class EspSlots final : public espalier::Slots {
 public:
  [[nodiscard]] size_t capacity() override;
  [[nodiscard]] bool begin(size_t offset) override;
  [[nodiscard]] bool write(espalier::Span bytes) override;
  [[nodiscard]] bool read(size_t offset, uint8_t* out, size_t size) override;
  [[nodiscard]] bool select() override;
  [[nodiscard]] bool gaveUp() override;
  [[nodiscard]] bool onTrial() override;
  [[nodiscard]] bool confirm() override;
  void rollBack() override;
  [[nodiscard]] espalier::Text running() override;

 private:
  void forget();

  esp_ota_handle_t handle_ = 0;
  bool open_ = false;
};
