#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The real one makes Serial a macro too: why the core's headers come first. */
class HardwareSerial {
 public:
  void begin(unsigned long baud);
  size_t println(const char* text);
};
extern HardwareSerial Serial0;
#define Serial Serial0

class String {
 public:
  String(const char* text = "");
  explicit String(int number);
  String(const String& other);
  String& operator=(const String& other);
  ~String();
  const char* c_str() const;

 private:
  char* text_;
};
String operator+(const String& left, const String& right);

#define SET_LOOP_TASK_STACK_SIZE(bytes) \
  size_t getArduinoLoopTaskStackSize(void) { return bytes; }
size_t getArduinoLoopTaskStackSize(void);
void setup(void);
void loop(void);

extern "C" {
unsigned long millis(void);
void delay(uint32_t ms);
uint16_t analogRead(uint8_t pin);
uint32_t analogReadMilliVolts(uint8_t pin);
}
