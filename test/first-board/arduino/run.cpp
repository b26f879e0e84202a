// Runs the sketch for 25 simulated seconds after it came to be connected.
#include "Arduino.h"
#include SKETCH

int main() {
  setup();
  while (fakeMillis < 30000) loop();
}
