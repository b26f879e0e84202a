#include "flash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "esp_littlefs.h"
#include "nvs_flash.h"

using espalier::Span;
using espalier::Text;

namespace {

constexpr char kPartition[] = "creds";
constexpr char kNamespace[] = "espalier";
constexpr char kFiles[] = "littlefs";
constexpr char kRoot[] = "/littlefs";
/** NVS allows 15 characters, and so does the port. */
constexpr size_t kName = 16;

/** "creds.a" is the key "creds.a". */
bool isCredential(Text name) { return name.size > 6 && memcmp(name.data, "creds.", 6) == 0; }

struct Key {
  char text[kName];
  explicit Key(Text name) { terminate(name, text, sizeof text); }
  static void terminate(Text name, char* out, size_t room) {
    const size_t size = name.size < room - 1 ? name.size : room - 1;
    memcpy(out, name.data, size);
    out[size] = '\0';
  }
};

struct Path {
  char text[sizeof kRoot + kName];
  explicit Path(Text name) {
    memcpy(text, kRoot, sizeof kRoot - 1);
    text[sizeof kRoot - 1] = '/';
    Key::terminate(name, text + sizeof kRoot, kName);
  }
};

}  // namespace

bool EspFlash::openCredentials() {
  hasCredentials_ = nvs_flash_init_partition(kPartition) == ESP_OK &&
                    nvs_open_from_partition(kPartition, kNamespace, NVS_READWRITE, &credentials_) == ESP_OK;
  return hasCredentials_;
}

EspFlash::Found EspFlash::begin() {
  const bool credentials = openCredentials();
  esp_vfs_littlefs_conf_t files = {};
  files.base_path = kRoot;
  files.partition_label = kFiles;
  bool lost = false;
  if (esp_vfs_littlefs_register(&files) != ESP_OK) {
    lost = true;
    const bool anew = esp_littlefs_format(kFiles) == ESP_OK && esp_vfs_littlefs_register(&files) == ESP_OK;
    if (!anew) return Found::noFiles;
  }
  if (!credentials) return Found::noCredentials;
  return lost ? Found::filesLost : Found::good;
}

size_t EspFlash::read(Text name, size_t offset, uint8_t* out, size_t room) {
  if (isCredential(name)) {
    size_t size = 0;
    const Key key(name);
    if (!hasCredentials_ || nvs_get_blob(credentials_, key.text, nullptr, &size) != ESP_OK || offset >= size) return 0;
    // A blob is read as a whole; only settings come here, at boot and when they change.
    uint8_t* const whole = static_cast<uint8_t*>(malloc(size));
    if (whole == nullptr) return 0;
    const bool good = nvs_get_blob(credentials_, key.text, whole, &size) == ESP_OK;
    const size_t got = !good ? 0 : room < size - offset ? room : size - offset;
    memcpy(out, whole + offset, got);
    memset(whole, 0, size);
    free(whole);
    return got;
  }
  const int file = open(Path(name).text, O_RDONLY);
  if (file < 0) return 0;
  const bool there = lseek(file, static_cast<off_t>(offset), SEEK_SET) == static_cast<off_t>(offset);
  const auto got = there ? ::read(file, out, room) : 0;
  (void)close(file);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

bool EspFlash::write(Text name, Span bytes) {
  if (!isCredential(name)) return put(name, O_WRONLY | O_CREAT | O_TRUNC, bytes);
  return hasCredentials_ && nvs_set_blob(credentials_, Key(name).text, bytes.data, bytes.size) == ESP_OK &&
         nvs_commit(credentials_) == ESP_OK;
}

/** Settings are only ever replaced as a whole. */
bool EspFlash::append(Text name, Span bytes) { return !isCredential(name) && put(name, O_WRONLY | O_CREAT | O_APPEND, bytes); }

/** What close() returned for is in flash: LittleFS writes its blocks beside the old ones and moves over to them there. */
bool EspFlash::put(Text name, int flags, Span bytes) {
  const int file = open(Path(name).text, flags, 0600);
  if (file < 0) return false;
  const bool written = ::write(file, bytes.data, bytes.size) == static_cast<decltype(::write(0, nullptr, 0))>(bytes.size);
  return close(file) == 0 && written;
}

void EspFlash::remove(Text name) {
  if (!isCredential(name)) {
    (void)unlink(Path(name).text);
    return;
  }
  if (!hasCredentials_) return;
  (void)nvs_erase_key(credentials_, Key(name).text);
  (void)nvs_commit(credentials_);
  size_t left = 0;
  if (nvs_get_used_entry_count(credentials_, &left) != ESP_OK || left > 0) return;
  // An erased key's bytes stay in flash until its page is used again. A board that is given away keeps none of them.
  nvs_close(credentials_);
  hasCredentials_ = false;
  if (nvs_flash_deinit_partition(kPartition) == ESP_OK && nvs_flash_erase_partition(kPartition) == ESP_OK) (void)openCredentials();
}
