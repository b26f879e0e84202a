#include "fakes.h"

#include <stdlib.h>
#include <string.h>

#include "esp_http_client.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/message_buffer.h"
#include "freertos/task.h"

namespace fakes {

int64_t nowUs = 1000000;
Mqtt mqtt;
Http http;

}  // namespace fakes

extern "C" int64_t esp_timer_get_time(void) { return fakes::nowUs; }

// Tasks: a list, run when the test says so.

namespace {

struct Task {
  TaskFunction_t code;
  void* parameter;
};
Task tasks[4];
size_t taskCount = 0;

}  // namespace

extern "C" BaseType_t xTaskCreate(TaskFunction_t code, const char*, uint32_t, void* parameter, UBaseType_t, TaskHandle_t*) {
  if (taskCount == 4) return pdFALSE;
  tasks[taskCount++] = {code, parameter};
  return pdPASS;
}
extern "C" void vTaskDelete(TaskHandle_t) {}

void fakes::runTasks() {
  while (taskCount > 0) {
    const Task task = tasks[--taskCount];
    task.code(task.parameter);
  }
}

// Buffers: bytes in a row, messages with their length in front.

struct StreamBufferDef_t {
  uint8_t* bytes;
  size_t room;
  size_t used;
};

namespace {

StreamBufferDef_t* made(size_t bytes, uint8_t* storage) {
  StreamBufferDef_t* const buffer = static_cast<StreamBufferDef_t*>(malloc(sizeof(StreamBufferDef_t)));
  *buffer = {storage, bytes, 0};
  return buffer;
}

void drop(StreamBufferDef_t& buffer, size_t size) {
  buffer.used -= size;
  memmove(buffer.bytes, buffer.bytes + size, buffer.used);
}

}  // namespace

extern "C" {

MessageBufferHandle_t xMessageBufferCreateStatic(size_t bytes, uint8_t* storage, StaticMessageBuffer_t*) { return made(bytes, storage); }
size_t xMessageBufferSend(MessageBufferHandle_t buffer, const void* data, size_t size, TickType_t) {
  if (buffer->used + sizeof size + size > buffer->room) return 0;
  memcpy(buffer->bytes + buffer->used, &size, sizeof size);
  memcpy(buffer->bytes + buffer->used + sizeof size, data, size);
  buffer->used += sizeof size + size;
  return size;
}
size_t xMessageBufferReceive(MessageBufferHandle_t buffer, void* out, size_t room, TickType_t) {
  size_t size = 0;
  if (buffer->used == 0) return 0;
  memcpy(&size, buffer->bytes, sizeof size);
  if (size > room) return 0;
  memcpy(out, buffer->bytes + sizeof size, size);
  drop(*buffer, sizeof size + size);
  return size;
}
size_t xMessageBufferSpacesAvailable(MessageBufferHandle_t buffer) { return buffer->room - buffer->used; }
BaseType_t xMessageBufferReset(MessageBufferHandle_t buffer) {
  buffer->used = 0;
  return pdPASS;
}

StreamBufferHandle_t xStreamBufferCreateStatic(size_t bytes, size_t, uint8_t* storage, StaticStreamBuffer_t*) { return made(bytes, storage); }
size_t xStreamBufferSend(StreamBufferHandle_t buffer, const void* data, size_t size, TickType_t) {
  const size_t room = buffer->room - buffer->used;
  const size_t sent = size < room ? size : room;
  memcpy(buffer->bytes + buffer->used, data, sent);
  buffer->used += sent;
  return sent;
}
size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void* out, size_t room, TickType_t) {
  const size_t got = room < buffer->used ? room : buffer->used;
  memcpy(out, buffer->bytes, got);
  drop(*buffer, got);
  return got;
}
BaseType_t xStreamBufferReset(StreamBufferHandle_t buffer) {
  buffer->used = 0;
  return pdPASS;
}
}

// esp_mqtt: one client at a time; texts of its configuration are looked at while connect() is on the stack.

struct esp_mqtt_client {
  int number;
};

extern "C" {

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t* config) {
  fakes::mqtt.config = *config;
  fakes::mqtt.client = static_cast<esp_mqtt_client_handle_t>(malloc(sizeof(esp_mqtt_client)));
  return fakes::mqtt.client;
}
esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t, esp_mqtt_event_id_t, esp_event_handler_t handler, void* arg) {
  fakes::mqtt.handler = handler;
  fakes::mqtt.arg = arg;
  return ESP_OK;
}
esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t) {
  fakes::mqtt.started++;
  return fakes::mqtt.startFails ? ESP_ERR_INVALID_STATE : ESP_OK;
}
esp_err_t esp_mqtt_client_stop(esp_mqtt_client_handle_t) {
  fakes::mqtt.stopped++;
  return ESP_OK;
}
esp_err_t esp_mqtt_client_destroy(esp_mqtt_client_handle_t client) {
  fakes::mqtt.destroyed++;
  free(client);
  return ESP_OK;
}
int esp_mqtt_client_subscribe_multiple(esp_mqtt_client_handle_t, const esp_mqtt_topic_t*, int) { return 9; }
int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t, const char*, const char*, int, int, int, bool) { return ++fakes::mqtt.enqueued; }
}

void fakes::happen(esp_mqtt_event_t event) {
  esp_mqtt_error_codes_t none = {};
  if (event.error_handle == nullptr) event.error_handle = &none;
  event.client = mqtt.client;
  mqtt.handler(mqtt.arg, "MQTT_EVENTS", event.event_id, &event);
}

// esp_http_client: the answer the test has put there.

struct esp_http_client {
  size_t at;
  esp_err_t (*event_handler)(esp_http_client_event_t* event);
  void* user_data;
};

extern "C" {

esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t* config) {
  fakes::http.range[0] = '\0';
  fakes::http.redirects = !config->disable_auto_redirect;
  auto* const client = static_cast<esp_http_client_handle_t>(calloc(1, sizeof(esp_http_client)));
  client->event_handler = config->event_handler;
  client->user_data = config->user_data;
  return client;
}
esp_err_t esp_http_client_set_header(esp_http_client_handle_t, const char* key, const char* value) {
  if (strcmp(key, "Range") == 0) strncpy(fakes::http.range, value, sizeof fakes::http.range - 1);
  return ESP_OK;
}
esp_err_t esp_http_client_open(esp_http_client_handle_t, int) { return fakes::http.status == 0 ? ESP_ERR_INVALID_STATE : ESP_OK; }
int64_t esp_http_client_fetch_headers(esp_http_client_handle_t client) {
  char header[2][2][40] = {{"Content-Type", "application/octet-stream"}, {"content-range", ""}};
  const char* const range = fakes::http.contentRange;
  if (range != nullptr) strncpy(header[1][1], range, sizeof header[1][1] - 1);
  for (size_t i = 0; i < (range == nullptr ? 1U : 2U); i++) {
    esp_http_client_event_t event = {};
    event.event_id = HTTP_EVENT_ON_HEADER;
    event.user_data = client->user_data;
    event.header_key = header[i][0];
    event.header_value = header[i][1];
    (void)client->event_handler(&event);
  }
  return static_cast<int64_t>(fakes::http.bodySize);
}
int esp_http_client_get_status_code(esp_http_client_handle_t) { return fakes::http.status; }
int esp_http_client_read(esp_http_client_handle_t client, char* out, int room) {
  const size_t end = fakes::http.breaksAt < fakes::http.bodySize ? fakes::http.breaksAt : fakes::http.bodySize;
  const size_t left = end - client->at;
  const size_t got = left < static_cast<size_t>(room) ? left : static_cast<size_t>(room);
  memcpy(out, fakes::http.body + client->at, got);
  client->at += got;
  return static_cast<int>(got);
}
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client) { return client->at == fakes::http.bodySize; }
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client) {
  free(client);
  return ESP_OK;
}
}
