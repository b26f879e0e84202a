#pragma once
#include "esp_err.h"

typedef uint32_t nvs_handle_t;
typedef enum { NVS_READONLY, NVS_READWRITE } nvs_open_mode_t;

extern "C" {
esp_err_t nvs_open_from_partition(const char* partition, const char* space, nvs_open_mode_t mode, nvs_handle_t* out);
esp_err_t nvs_get_blob(nvs_handle_t handle, const char* key, void* out, size_t* size);
esp_err_t nvs_set_blob(nvs_handle_t handle, const char* key, const void* value, size_t size);
esp_err_t nvs_erase_key(nvs_handle_t handle, const char* key);
esp_err_t nvs_commit(nvs_handle_t handle);
esp_err_t nvs_get_used_entry_count(nvs_handle_t handle, size_t* entries);
void nvs_close(nvs_handle_t handle);
}
