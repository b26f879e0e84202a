#include "http.h"

#include <strings.h>

#include "freertos/task.h"

using espalier::HttpState;
using espalier::Text;

namespace {

constexpr uint32_t kStackBytes = 10240;
constexpr int kTimeoutMs = 10000;
constexpr int kChunk = 1024;
/** The request's first line must fit: a URL of 512 bytes. */
constexpr int kRequestBytes = 1024;

/** "bytes=4096-": without printf, which would cost the task's stack a kilobyte. */
void rangeFrom(size_t offset, char (&out)[24]) {
  constexpr char kStart[] = "bytes=";
  char digits[12];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + offset % 10);
    offset /= 10;
  } while (offset > 0);
  memcpy(out, kStart, sizeof kStart - 1);
  size_t at = sizeof kStart - 1;
  while (count > 0) out[at++] = digits[--count];
  out[at++] = '-';
  out[at] = '\0';
}

/** Where "bytes 4096-8191/8192" begins; false: it says nothing of the kind. */
bool beginning(const char* range, size_t& out) {
  constexpr char kStart[] = "bytes ";
  if (strncasecmp(range, kStart, sizeof kStart - 1) != 0) return false;
  const char* at = range + sizeof kStart - 1;
  out = 0;
  const char* const digits = at;
  for (; *at >= '0' && *at <= '9' && at - digits < 9; at++) out = out * 10 + static_cast<size_t>(*at - '0');
  return at != digits && *at == '-';
}

}  // namespace

void EspHttp::begin(const espalier::BrokerSettings& broker) {
  broker_ = &broker;
  bytes_ = xStreamBufferCreateStatic(kRoom, 1, bytesRoom_, &bytesState_);
}

bool EspHttp::open(Text url, size_t offset) {
  // The last one may still wait for the network: its task ends within the time-out.
  if (task_ == Task::running || url.size >= sizeof url_) return false;
  memcpy(url_, url.data, url.size);
  url_[url.size] = '\0';
  memcpy(ca_, broker_->ca, sizeof ca_);
  offset_ = offset;
  status_ = 0;
  ranged_ = false;
  stop_ = false;
  (void)xStreamBufferReset(bytes_);
  task_ = Task::running;
  if (xTaskCreate(run, "download", kStackBytes, this, 1, nullptr) == pdPASS) return true;
  task_ = Task::none;
  return false;
}

HttpState EspHttp::read(uint8_t* out, size_t room, size_t& got) {
  // Asked before the buffer is looked at: what stood in it then is all there will be.
  const Task task = task_;
  got = xStreamBufferReceive(bytes_, out, room, 0);
  if (got > 0) return HttpState::data;
  if (task == Task::running) return HttpState::waiting;
  return task == Task::ended ? HttpState::done : HttpState::failed;
}

void EspHttp::run(void* self) {
  EspHttp& http = *static_cast<EspHttp*>(self);
  esp_http_client_config_t config = {};
  config.url = http.url_;
  config.cert_pem = http.ca_;
  config.timeout_ms = kTimeoutMs;
  config.buffer_size_tx = kRequestBytes;
  config.disable_auto_redirect = true;
  config.event_handler = heard;
  config.user_data = &http;
  const esp_http_client_handle_t client = esp_http_client_init(&config);
  const bool good = client != nullptr && http.download(client);
  if (client != nullptr) (void)esp_http_client_cleanup(client);
  http.task_ = good ? Task::ended : Task::broken;
  vTaskDelete(nullptr);
}

/** The client keeps no header of an answer: they are heard as they come. */
esp_err_t EspHttp::heard(esp_http_client_event_t* event) {
  if (event->event_id != HTTP_EVENT_ON_HEADER || strcasecmp(event->header_key, "Content-Range") != 0) return ESP_OK;
  EspHttp& http = *static_cast<EspHttp*>(event->user_data);
  http.ranged_ = beginning(event->header_value, http.begins_);
  return ESP_OK;
}

bool EspHttp::download(esp_http_client_handle_t client) {
  char range[24];
  rangeFrom(offset_, range);
  if (offset_ > 0 && esp_http_client_set_header(client, "Range", range) != ESP_OK) return false;
  if (esp_http_client_open(client, 0) != ESP_OK || esp_http_client_fetch_headers(client) < 0) return false;
  const int status = esp_http_client_get_status_code(client);
  status_ = status;
  if (status != 200 && status != 206) return false;
  // Another piece than was asked for would be written to a place that is not its own.
  if (status == 206 && (!ranged_ || begins_ != offset_)) return false;
  char chunk[kChunk];
  for (;;) {
    const int got = esp_http_client_read(client, chunk, kChunk);
    if (got < 0 || stop_) return false;
    if (got == 0) return esp_http_client_is_complete_data_received(client);
    if (!pass(chunk, static_cast<size_t>(got))) return false;
  }
}

/** Waits for the core, which writes flash meanwhile. */
bool EspHttp::pass(const char* bytes, size_t size) {
  size_t sent = 0;
  while (sent < size && !stop_) sent += xStreamBufferSend(bytes_, bytes + sent, size - sent, pdMS_TO_TICKS(100));
  return sent == size;
}
