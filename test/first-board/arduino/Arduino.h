// Just enough of Arduino on an ESP32 to compile a sketch of ours and to run it: time passes in delay(), and what is published is printed.
#pragma once
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#define ESP_ARDUINO_VERSION_MAJOR 3
using std::isinf;
using std::isnan;

inline unsigned long fakeMillis = 0;
inline unsigned long millis() { return fakeMillis; }
inline void delay(unsigned long ms) { fakeMillis += ms; }
inline long random(long below) { return below > 0 ? below / 2 : 0; }
inline float temperatureRead() { return 41.5f; }
inline void configTime(long, int, const char *) {}

struct FakeSerial {
  void begin(unsigned long) {}
  void println(const char *text) { std::fprintf(stderr, "%s\n", text); }
  int printf(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    va_list list;
    va_start(list, format);
    const int written = std::vfprintf(stderr, format, list);
    va_end(list);
    return written;
  }
};
inline FakeSerial Serial;
