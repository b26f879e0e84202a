#pragma once
#include "esp_err.h"

typedef struct {
  const char* base_path;
  const char* partition_label;
} esp_vfs_littlefs_conf_t;

extern "C" {
esp_err_t esp_vfs_littlefs_register(const esp_vfs_littlefs_conf_t* config);
esp_err_t esp_littlefs_format(const char* label);
}
