#pragma once
#include "esp_http_client.h"
#include "espalier/settings.h"
#include "freertos/FreeRTOS.h"
#include "freertos/stream_buffer.h"

/** One download in a task of its own, as esp_http_client waits for the network; a small buffer between it and the core, which never does.
 *  A second TLS connection needs some 42 KB: the updater asks for the heap before, and leaves the broker where it must. */
class EspHttp final : public espalier::Http {
 public:
  /** `broker`: whose CA is trusted; read whenever a download begins. */
  void begin(const espalier::BrokerSettings& broker);
  [[nodiscard]] bool open(espalier::Text url, size_t offset) override;
  espalier::HttpState read(uint8_t* out, size_t room, size_t& got) override;
  [[nodiscard]] int status() override { return status_; }
  void close() override { stop_ = true; }

 private:
  /** `ended` and `broken`: the task has put its last byte into the buffer and is gone. */
  enum class Task : uint8_t { none, running, ended, broken };
  static constexpr size_t kRoom = 4096;

  static void run(void* self);
  static esp_err_t heard(esp_http_client_event_t* event);
  [[nodiscard]] bool download(esp_http_client_handle_t client);
  [[nodiscard]] bool pass(const char* bytes, size_t size);

  const espalier::BrokerSettings* broker_ = nullptr;
  StreamBufferHandle_t bytes_ = nullptr;
  StaticStreamBuffer_t bytesState_ = {};
  uint8_t bytesRoom_[kRoom + 1] = {};
  char url_[espalier::contract::kUpdateTextBytes + 1] = {};
  char ca_[espalier::sizes::kPemBytes] = {};
  size_t offset_ = 0;
  /** Of the answer's Content-Range. */
  size_t begins_ = 0;
  bool ranged_ = false;
  volatile Task task_ = Task::none;
  volatile bool stop_ = false;
  volatile int status_ = 0;
};
