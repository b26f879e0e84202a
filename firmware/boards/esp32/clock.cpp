#include "clock.h"

#include <sys/time.h>

#include "esp_netif_sntp.h"
#include "esp_timer.h"

namespace {

/** Set by the answer alone: time() runs from 1970 before it, and is not zero. */
volatile bool answered = false;

void onAnswer(struct timeval*) { answered = true; }

}  // namespace

bool EspClock::begin() {
  esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
  config.wait_for_sync = false;
  config.sync_cb = onAnswer;
  return esp_netif_sntp_init(&config) == ESP_OK;
}

uint64_t EspClock::nowMs() { return static_cast<uint64_t>(esp_timer_get_time()) / 1000; }

bool EspClock::sntp(int64_t& unixMs) {
  struct timeval now = {};
  if (!answered || gettimeofday(&now, nullptr) != 0) return false;
  unixMs = static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000;
  return true;
}
