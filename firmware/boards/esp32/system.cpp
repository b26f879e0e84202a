#include "system.h"

#include "esp_heap_caps.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_task_wdt.h"

using espalier::Span;
using espalier::Text;

namespace {

constexpr uint32_t kWatchdogMs = 30000;

}  // namespace

bool EspSystem::watch() {
  esp_task_wdt_config_t config = {};
  config.timeout_ms = kWatchdogMs;
  // Core 0's idle task stays watched, as the core had it.
  config.idle_core_mask = 1;
  config.trigger_panic = true;
  return esp_task_wdt_reconfigure(&config) == ESP_OK && esp_task_wdt_add(nullptr) == ESP_OK;
}

void EspSystem::feed() { (void)esp_task_wdt_reset(); }

uint32_t EspSystem::random() { return esp_random(); }

void EspSystem::restart() { esp_restart(); }

Text EspSystem::resetReason() {
  switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
      return "power_on";
    case ESP_RST_SW:
      return "software";
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
      return "watchdog";
    case ESP_RST_BROWNOUT:
      return "brownout";
    case ESP_RST_PANIC:
      return "panic";
    case ESP_RST_DEEPSLEEP:
      return "deep_sleep";
    default:
      return "other";
  }
}

uint32_t EspSystem::freeHeap() { return esp_get_free_heap_size(); }

uint32_t EspSystem::largestFreeBlock() { return static_cast<uint32_t>(heap_caps_get_largest_free_block(MALLOC_CAP_8BIT)); }

void EspSystem::log(Text line) {
  constexpr char kEnd[] = "\r\n";
  serial_.write(Span(reinterpret_cast<const uint8_t*>(line.data), line.size));
  serial_.write(Span(reinterpret_cast<const uint8_t*>(kEnd), sizeof kEnd - 1));
}
