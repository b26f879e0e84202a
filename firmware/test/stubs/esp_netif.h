#pragma once
#include "esp_event.h"

struct esp_netif_obj;
typedef struct esp_netif_obj esp_netif_t;
typedef struct {
  uint32_t addr;
} esp_ip4_addr_t;
typedef struct {
  esp_ip4_addr_t ip;
  esp_ip4_addr_t netmask;
  esp_ip4_addr_t gw;
} esp_netif_ip_info_t;
typedef enum { IP_EVENT_STA_GOT_IP, IP_EVENT_STA_LOST_IP } ip_event_t;

extern "C" {
extern esp_event_base_t const IP_EVENT;
esp_err_t esp_netif_init(void);
esp_err_t esp_netif_get_ip_info(esp_netif_t* netif, esp_netif_ip_info_t* info);
char* esp_ip4addr_ntoa(const esp_ip4_addr_t* address, char* out, int room);
}
