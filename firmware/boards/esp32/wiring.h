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
espalier::Sensor* const kSensors[] = {&dht22};

SwitchedOutput relay("relay", GPIO_NUM_26);
SwitchedOutput* const kSwitched[] = {&relay};
espalier::Output* const kOutputs[] = {&relay};

}  // namespace wiring
