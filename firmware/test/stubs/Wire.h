#pragma once

class TwoWire {};
extern TwoWire Wire;
