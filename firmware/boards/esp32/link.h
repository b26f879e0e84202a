#pragma once
#include "esp_event.h"
#include "esp_netif.h"
#include "espalier/ports.h"

/** Wi-Fi as a station. The driver keeps its settings in RAM, so that the only copy in flash is ours. */
class WifiLink final : public espalier::Link {
 public:
  /** Starts the radio; also what makes esp_random() true randomness, so before the node draws its boot. */
  [[nodiscard]] bool begin();
  void join(const espalier::WifiSettings& wifi) override;
  void leave() override;
  [[nodiscard]] bool up() override { return up_; }
  [[nodiscard]] bool rssi(int8_t& out) override;
  [[nodiscard]] espalier::Text address() override;

 private:
  static void onEvent(void* self, esp_event_base_t base, int32_t id, void* data);

  esp_netif_t* netif_ = nullptr;
  /** Written by the event task, read by ours: single bytes. */
  volatile bool wanted_ = false;
  volatile bool up_ = false;
  char address_[16] = {};
};
