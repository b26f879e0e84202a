#include "slots.h"

#include "esp_system.h"

using espalier::Span;
using espalier::Text;

namespace {

/** The slot that does not run. */
const esp_partition_t* other() { return esp_ota_get_next_update_partition(nullptr); }

/** Undefined where otadata has none: a board flashed by cable is nobody's trial. */
esp_ota_img_states_t stateOf(const esp_partition_t* slot) {
  esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
  const bool known = slot != nullptr && esp_ota_get_state_partition(slot, &state) == ESP_OK;
  return known ? state : ESP_OTA_IMG_UNDEFINED;
}

}  // namespace

size_t EspSlots::capacity() {
  const esp_partition_t* slot = other();
  return slot == nullptr ? 0 : slot->size;
}

void EspSlots::forget() {
  if (open_) (void)esp_ota_abort(handle_);
  open_ = false;
}

bool EspSlots::begin(size_t offset) {
  forget();
  const esp_partition_t* slot = other();
  if (slot == nullptr) return false;
  // Sector by sector as it is written: any other size erases the whole slot at once, for seconds.
  const esp_err_t begun = offset == 0 ? esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &handle_)
                                      : esp_ota_resume(slot, OTA_WITH_SEQUENTIAL_WRITES, offset, &handle_);
  open_ = begun == ESP_OK;
  return open_;
}

bool EspSlots::write(Span bytes) { return open_ && esp_ota_write(handle_, bytes.data, bytes.size) == ESP_OK; }

bool EspSlots::read(size_t offset, uint8_t* out, size_t size) {
  const esp_partition_t* slot = other();
  return slot != nullptr && esp_partition_read(slot, offset, out, size) == ESP_OK;
}

bool EspSlots::select() {
  const esp_partition_t* slot = other();
  if (slot == nullptr) return false;
  // After a reboot the whole image may stand there with nothing left to write: set_boot_partition checks it all the same.
  const bool ended = !open_ || esp_ota_end(handle_) == ESP_OK;
  open_ = false;
  return ended && esp_ota_set_boot_partition(slot) == ESP_OK;
}

bool EspSlots::gaveUp() {
  const esp_ota_img_states_t state = stateOf(other());
  return state == ESP_OTA_IMG_INVALID || state == ESP_OTA_IMG_ABORTED;
}

bool EspSlots::onTrial() { return stateOf(esp_ota_get_running_partition()) == ESP_OTA_IMG_PENDING_VERIFY; }

bool EspSlots::confirm() { return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK; }

void EspSlots::rollBack() {
  (void)esp_ota_mark_app_invalid_rollback_and_reboot();
  // It returns where the other entry of otadata is blank. On trial, any reset goes back all the same.
  esp_restart();
}

Text EspSlots::running() {
  const esp_partition_t* slot = esp_ota_get_running_partition();
  return slot == nullptr ? Text("") : Text(slot->label, strnlen(slot->label, sizeof slot->label));
}
