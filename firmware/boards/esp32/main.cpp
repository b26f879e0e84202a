#include "clock.h"
#include "crypto.h"
#include "espalier/node.h"
#include "flash.h"
#include "freertos/FreeRTOS.h"
// Behind its own, as it insists.
#include "freertos/task.h"
#include "http.h"
#include "led.h"
#include "link.h"
#include "mqtt.h"
#include "serial.h"
#include "slots.h"
#include "system.h"
// Last: it brings Arduino.h, which makes Serial a macro, and the core has a class of that name.
#include "wiring.h"

/** The ESP32 DevKitC v1: the ports, the wiring, and the loop that drives the node. */

/** What this image says it is; the version is what `update` compares, so each build that is handed out has a higher one. */
extern const espalier::ImageMarker kImage __attribute__((used)) = espalier::imageMarker("esp32dev", "0.1.0");

/** Asked by Arduino's core before setup(): true, the trial of a new image is ours to judge. Unmangled, and here, because a definition in a
 *  library that nothing else needs would not be linked, and the core's own would confirm any image at once. */
extern "C" bool verifyRollbackLater() { return true; }

/** Checking a signature takes some kilobytes of it. */
SET_LOOP_TASK_STACK_SIZE(12288)

namespace {

constexpr TickType_t kPause = pdMS_TO_TICKS(20);

UartSerial uart;
EspSystem chip(uart);
WifiLink wifi;
EspMqtt mqtt;
EspClock timer;
EspFlash flash;
EspSlots slots;
EspHttp http;
MbedCrypto crypto;
PwmLed led(wiring::kLedPin);

template <typename Thing, size_t kSize>
constexpr size_t countOf(Thing* const (&)[kSize]) {
  return kSize - 1;
}

const espalier::Build build = {espalier::boardOf(kImage), espalier::versionOf(kImage), false};
espalier::Node node({wifi, mqtt, timer, flash, slots, http, crypto, led, uart, chip,  //
                     wiring::kSensors, countOf(wiring::kSensors), wiring::kOutputs, countOf(wiring::kOutputs),
                     wiring::kCommands, countOf(wiring::kCommands)},
                    build, {});

void say(bool good, espalier::Text trouble) {
  if (!good) chip.log(trouble);
}

}  // namespace

void setup() {
  // What could do harm goes safe before anything else has time to fail.
  for (espalier::Output* output : wiring::kOutputs)
    if (output != nullptr) (void)output->set(0);
  (void)uart.begin();
  say(led.begin(), "the LED's pin gives no PWM");
  say(chip.watch(), "the watchdog could not be set");
  const EspFlash::Found found = flash.begin();
  say(found != EspFlash::Found::filesLost, "the flash's files could not be read and were made anew: readings that waited are lost");
  say(found != EspFlash::Found::noFiles, "the flash has no room for files: readings are kept in RAM alone");
  say(found != EspFlash::Found::noCredentials, "the credentials can't be read: provision this board again");
  // The radio before the node: with it running, chance comes from noise, and `boot` is drawn from that.
  say(wifi.begin(), "the radio does not start");
  say(timer.begin(), "SNTP does not start");
  mqtt.begin();
  http.begin(node.settings().broker);
  node.begin();
}

void loop() {
  node.step();
  chip.feed();
  static uint32_t lost = 0;
  say(lost == mqtt.lost(), "a message from the broker was too long or found no room");
  lost = mqtt.lost();
  if (!node.busy()) vTaskDelay(kPause);
}
