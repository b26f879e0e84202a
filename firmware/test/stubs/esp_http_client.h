#pragma once
#include "esp_err.h"

struct esp_http_client;
typedef struct esp_http_client* esp_http_client_handle_t;
typedef enum { HTTP_EVENT_ON_HEADER = 3 } esp_http_client_event_id_t;
typedef struct {
  esp_http_client_event_id_t event_id;
  void* user_data;
  char* header_key;
  char* header_value;
} esp_http_client_event_t;
typedef struct {
  const char* url;
  const char* cert_pem;
  int timeout_ms;
  int buffer_size_tx;
  bool disable_auto_redirect;
  esp_err_t (*event_handler)(esp_http_client_event_t* event);
  void* user_data;
} esp_http_client_config_t;

extern "C" {
esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t* config);
esp_err_t esp_http_client_set_header(esp_http_client_handle_t client, const char* key, const char* value);
esp_err_t esp_http_client_open(esp_http_client_handle_t client, int bodyBytes);
int64_t esp_http_client_fetch_headers(esp_http_client_handle_t client);
int esp_http_client_get_status_code(esp_http_client_handle_t client);
int esp_http_client_read(esp_http_client_handle_t client, char* out, int room);
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client);
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client);
}
