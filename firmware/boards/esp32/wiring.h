#pragma once
#include "espalier/own_command.h"
#include "outputs.h"
// Sensors behind the core's headers.
#include "sensors/dht22.h"

/** What hangs on this board: the one file to change for another set of sensors, outputs and commands. docs/guide/hardware.md has the pins
 *  that are free. */
namespace wiring {

/** The blue LED of a DevKit v1. */
constexpr uint8_t kLedPin = 2;

Dht22 dht22(4);
espalier::Sensor* const kSensors[] = {&dht22, nullptr};

SwitchedOutput relay("relay", GPIO_NUM_26);
espalier::Output* const kOutputs[] = {&relay, nullptr};

/** Commands of this firmware's own, from commands/. */
espalier::OwnCommand* const kCommands[] = {nullptr};

}  // namespace wiring
