#pragma once
#include <sys/time.h>

#include "esp_netif.h"

typedef void (*esp_sntp_time_cb_t)(struct timeval* time);
typedef struct {
  bool wait_for_sync;
  esp_sntp_time_cb_t sync_cb;
  const char* servers[3];
} esp_sntp_config_t;
#define ESP_NETIF_SNTP_DEFAULT_CONFIG(server) \
  { true, nullptr, { server, nullptr, nullptr } }

extern "C" esp_err_t esp_netif_sntp_init(const esp_sntp_config_t* config);
