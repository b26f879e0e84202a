#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../check.h"
#include "boards/esp32/flash.h"
#include "esp_littlefs.h"
#include "nvs_flash.h"

using espalier::Span;
using espalier::Text;

/** The store on a made-up NVS, and on files of this machine in the place of LittleFS: the paths are bent by the linker (--wrap). */
namespace {

constexpr size_t kBlobs = 4;
struct Blob {
  char key[16];
  uint8_t bytes[64];
  size_t size;
};
Blob blobs[kBlobs];
bool partitionGood = true;
int erased = 0;
bool mounts = true;
int formatted = 0;
char folder[] = "/tmp/espalier-flash-XXXXXX";

const char* bent(const char* path, char (&room)[128]) {
  snprintf(room, sizeof room, "%s%s", folder, path + sizeof "/littlefs" - 1);
  return room;
}

Blob* find(const char* key) {
  for (Blob& blob : blobs)
    if (blob.size > 0 && strcmp(blob.key, key) == 0) return &blob;
  return nullptr;
}

Span span(const char* text) { return Span(reinterpret_cast<const uint8_t*>(text), strlen(text)); }

bool holds(EspFlash& flash, Text name, size_t offset, const char* wanted) {
  uint8_t out[64] = {};
  const size_t got = flash.read(name, offset, out, sizeof out);
  return got == strlen(wanted) && memcmp(out, wanted, got) == 0;
}

}  // namespace

extern "C" {

int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, int mode) {
  char room[128];
  return __real_open(strncmp(path, "/littlefs/", 10) == 0 ? bent(path, room) : path, flags, mode);
}
int __real_unlink(const char* path);
int __wrap_unlink(const char* path) {
  char room[128];
  return __real_unlink(bent(path, room));
}

esp_err_t nvs_flash_init_partition(const char* label) { return partitionGood && strcmp(label, "creds") == 0 ? ESP_OK : 0x110d; }
esp_err_t nvs_flash_deinit_partition(const char*) { return ESP_OK; }
esp_err_t nvs_flash_erase_partition(const char*) {
  erased++;
  for (Blob& blob : blobs) blob = Blob();
  return ESP_OK;
}
esp_err_t nvs_open_from_partition(const char*, const char* space, nvs_open_mode_t, nvs_handle_t* out) {
  *out = 1;
  return strcmp(space, "espalier") == 0 ? ESP_OK : 0x1102;
}
esp_err_t nvs_get_blob(nvs_handle_t, const char* key, void* out, size_t* size) {
  const Blob* blob = find(key);
  if (blob == nullptr) return 0x1102;
  // The whole or nothing, as it is.
  if (out != nullptr && *size < blob->size) return 0x110c;
  if (out != nullptr) memcpy(out, blob->bytes, blob->size);
  *size = blob->size;
  return ESP_OK;
}
esp_err_t nvs_set_blob(nvs_handle_t, const char* key, const void* value, size_t size) {
  Blob* blob = find(key);
  for (size_t i = 0; blob == nullptr && i < kBlobs; i++)
    if (blobs[i].size == 0) blob = &blobs[i];
  if (blob == nullptr || size > sizeof blob->bytes || strlen(key) > 15) return 0x1105;
  strcpy(blob->key, key);
  memcpy(blob->bytes, value, size);
  blob->size = size;
  return ESP_OK;
}
esp_err_t nvs_erase_key(nvs_handle_t, const char* key) {
  Blob* blob = find(key);
  if (blob != nullptr) blob->size = 0;
  return ESP_OK;
}
esp_err_t nvs_commit(nvs_handle_t) { return ESP_OK; }
esp_err_t nvs_get_used_entry_count(nvs_handle_t, size_t* entries) {
  *entries = 0;
  for (const Blob& blob : blobs) *entries += blob.size > 0 ? 2 : 0;
  return ESP_OK;
}
void nvs_close(nvs_handle_t) {}
esp_err_t esp_vfs_littlefs_register(const esp_vfs_littlefs_conf_t* config) {
  const bool right = strcmp(config->base_path, "/littlefs") == 0 && strcmp(config->partition_label, "littlefs") == 0;
  return right && mounts ? ESP_OK : -1;
}
esp_err_t esp_littlefs_format(const char*) {
  formatted++;
  mounts = true;
  return ESP_OK;
}
}

namespace {

void testCredentials(espalier::test::Check& check) {
  EspFlash flash;
  CHECK(flash.begin() == EspFlash::Found::good);
  CHECK(flash.write("creds.a", span("settings")) && flash.write("creds.b", span("others")));
  CHECK(holds(flash, "creds.a", 0, "settings") && holds(flash, "creds.a", 3, "tings") && holds(flash, "creds.a", 8, ""));
  uint8_t few[3];
  CHECK(flash.read("creds.a", 2, few, sizeof few) == 3 && memcmp(few, "tti", 3) == 0);
  CHECK(flash.write("creds.a", span("new")) && holds(flash, "creds.a", 0, "new"));
  // A part of the settings can't be written: they are replaced as a whole.
  CHECK(!flash.append("creds.a", span("x")));
  flash.remove("creds.a");
  CHECK(erased == 0 && holds(flash, "creds.b", 0, "others") && holds(flash, "creds.a", 0, ""));
  // With the last one the whole partition goes: an erased key would leave its bytes.
  flash.remove("creds.b");
  CHECK(erased == 1 && flash.write("creds.a", span("again")) && holds(flash, "creds.a", 0, "again"));
  flash.remove("creds.a");
}

void testFiles(espalier::test::Check& check) {
  if (mkdtemp(folder) == nullptr) return CHECK(false);
  EspFlash flash;
  CHECK(flash.begin() == EspFlash::Found::good);
  CHECK(flash.write("ring.00", span("first")) && flash.append("ring.00", span(" second")));
  CHECK(holds(flash, "ring.00", 0, "first second") && holds(flash, "ring.00", 6, "second") && holds(flash, "ring.00", 99, ""));
  CHECK(flash.append("ring.01", span("made by append")) && holds(flash, "ring.01", 0, "made by append"));
  CHECK(flash.write("ring.00", span("short")) && holds(flash, "ring.00", 0, "short"));
  flash.remove("ring.00");
  flash.remove("ring.01");
  CHECK(holds(flash, "ring.00", 0, "") && rmdir(folder) == 0);
}

void testTrouble(espalier::test::Check& check) {
  EspFlash flash;
  mounts = false;
  CHECK(flash.begin() == EspFlash::Found::filesLost && formatted == 1);
  const int before = erased;
  partitionGood = false;
  EspFlash locked;
  CHECK(locked.begin() == EspFlash::Found::noCredentials && erased == before);
  CHECK(!locked.write("creds.a", span("x")) && holds(locked, "creds.a", 0, ""));
  partitionGood = true;
}

const espalier::test::Unit credentials("board_flash credentials", testCredentials);
const espalier::test::Unit files("board_flash files", testFiles);
const espalier::test::Unit trouble("board_flash trouble", testTrouble);

}  // namespace
