#include "link.h"

#include "esp_wifi.h"
#include "espalier/settings.h"

using espalier::Text;

bool WifiLink::begin() {
  if (esp_netif_init() != ESP_OK) return false;
  // Somebody else's library may have made it already: that is as good.
  const esp_err_t loop = esp_event_loop_create_default();
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return false;
  netif_ = esp_netif_create_default_wifi_sta();
  const wifi_init_config_t defaults = WIFI_INIT_CONFIG_DEFAULT();
  if (netif_ == nullptr || esp_wifi_init(&defaults) != ESP_OK) return false;
  return esp_wifi_set_storage(WIFI_STORAGE_RAM) == ESP_OK &&
         esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, onEvent, this) == ESP_OK &&
         esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, onEvent, this) == ESP_OK &&
         esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK && esp_wifi_start() == ESP_OK;
}

void WifiLink::join(const espalier::WifiSettings& wifi) {
  leave();
  wifi_config_t config = {};
  const size_t ssid = strnlen(wifi.ssid, sizeof config.sta.ssid);
  const size_t password = strnlen(wifi.password, sizeof config.sta.password);
  memcpy(config.sta.ssid, wifi.ssid, ssid);
  memcpy(config.sta.password, wifi.password, password);
  config.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
  config.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
  // With a password, nothing weaker than WPA2: an open twin of the same name gets no station.
  config.sta.threshold.authmode = password > 0 ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
  if (esp_wifi_set_config(WIFI_IF_STA, &config) != ESP_OK) return;
  wanted_ = true;
  (void)esp_wifi_connect();
}

void WifiLink::leave() {
  wanted_ = false;
  up_ = false;
  (void)esp_wifi_disconnect();
}

bool WifiLink::rssi(int8_t& out) {
  wifi_ap_record_t found = {};
  if (!up_ || esp_wifi_sta_get_ap_info(&found) != ESP_OK) return false;
  out = found.rssi;
  return true;
}

Text WifiLink::address() {
  esp_netif_ip_info_t info = {};
  if (!up_ || esp_netif_get_ip_info(netif_, &info) != ESP_OK) return "";
  if (esp_ip4addr_ntoa(&info.ip, address_, sizeof address_) == nullptr) return "";
  return Text(address_, strnlen(address_, sizeof address_));
}

void WifiLink::onEvent(void* self, esp_event_base_t base, int32_t id, void*) {
  WifiLink& link = *static_cast<WifiLink*>(self);
  if (base == IP_EVENT) {
    if (id == IP_EVENT_STA_GOT_IP) link.up_ = link.wanted_;
    if (id == IP_EVENT_STA_LOST_IP) link.up_ = false;
  }
  if (base == WIFI_EVENT && id == WIFI_EVENT_STA_DISCONNECTED) {
    link.up_ = false;
    // A try that finds nothing takes the scan's two seconds, so this does not spin.
    if (link.wanted_) (void)esp_wifi_connect();
  }
}
