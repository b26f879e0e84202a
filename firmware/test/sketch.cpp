#include "Arduino.h"
#include "PubSubClient.h"

/** examples/arduino-sketch run on this machine: a network that is there, a broker that is away for its first two seconds, and every message
 *  it publishes in ten on a line: topic, blank, payload. */
#include "../../examples/arduino-sketch/arduino-sketch.ino"

namespace {

uint32_t nowMs = 0;
bool joined = false;
bool connected = false;

char* copyOf(const char* text) {
  const size_t size = strlen(text) + 1;
  char* const copy = static_cast<char*>(malloc(size));
  if (copy == nullptr) abort();
  memcpy(copy, text, size);
  return copy;
}

}  // namespace

WiFiClass WiFi;
int WiFiClass::begin(const char*, const char*) {
  joined = true;
  return 0;
}

PubSubClient::PubSubClient(const char*, uint16_t, Client&) {}
bool PubSubClient::connect(const char* id, const char* user, const char*) {
  // Client id and user name are the node's id.
  if (strcmp(id, "01") != 0 || strcmp(user, "01") != 0) abort();
  connected = joined && nowMs >= 2000;
  return connected;
}
bool PubSubClient::publish(const char* topic, const char* payload) {
  if (connected) printf("%s %s\n", topic, payload);
  return connected;
}
bool PubSubClient::loop() {
  // The broker goes away once in the middle.
  if (nowMs == 6000) connected = false;
  return connected;
}

String::String(const char* text) : text_(copyOf(text)) {}
String::String(int number) : text_(nullptr) {
  char digits[12];
  snprintf(digits, sizeof digits, "%d", number);
  text_ = copyOf(digits);
}
String::String(const String& other) : text_(copyOf(other.text_)) {}
String& String::operator=(const String& other) {
  if (this != &other) {
    free(text_);
    text_ = copyOf(other.text_);
  }
  return *this;
}
String::~String() { free(text_); }
const char* String::c_str() const { return text_; }
String operator+(const String& left, const String& right) {
  const size_t first = strlen(left.c_str());
  const size_t second = strlen(right.c_str());
  char* const both = static_cast<char*>(malloc(first + second + 1));
  if (both == nullptr) abort();
  memcpy(both, left.c_str(), first);
  memcpy(both + first, right.c_str(), second + 1);
  const String sum(both);
  free(both);
  return sum;
}

unsigned long millis(void) { return nowMs; }
void delay(uint32_t ms) { nowMs += ms; }
uint16_t analogRead(uint8_t pin) { return static_cast<uint16_t>(pin * 100 + nowMs / 1000); }

int main() {
  setup();
  while (nowMs < 10000) loop();
  return 0;
}
