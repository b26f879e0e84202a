#pragma once
#include <stddef.h>
#include <stdint.h>

#include "mqtt_client.h"

/** Just enough of FreeRTOS, esp_mqtt and esp_http_client to run the board's ports on this machine: the test says what the network does. */
namespace fakes {

extern int64_t nowUs;

struct Mqtt {
  esp_mqtt_client_config_t config;
  esp_event_handler_t handler;
  void* arg;
  esp_mqtt_client_handle_t client;
  int started;
  int stopped;
  int destroyed;
  int enqueued;
  bool startFails;
};
extern Mqtt mqtt;
/** An event of the current client, as its own task would bring it. */
void happen(esp_mqtt_event_t event);
/** Tasks made so far and not run yet run now, to their end. */
void runTasks();

struct Http {
  /** The next answer. */
  int status;
  const char* body;
  size_t bodySize;
  /** Bytes after which the line breaks; beyond the size: never. */
  size_t breaksAt;
  /** What was asked for; "" for none. */
  char range[32];
  bool redirects;
  /** Content-Range of the answer; null: none. */
  const char* contentRange;
};
extern Http http;

}  // namespace fakes
