#pragma once
#include "clock.h"
#include "noise.h"

namespace espalier {
namespace host {

/** A room that is not there: its temperature follows the day and wanders, its humidity goes against it. Each seed is a room of its own. */
class RoomSensor final : public Sensor {
 public:
  RoomSensor(HostClock& clock, uint64_t seed);
  void begin() override {}
  [[nodiscard]] size_t channels(const Channel*& out) override;
  void read(double* out) override;

 private:
  HostClock& clock_;
  Noise noise_;
  double level_;
  double damp_;
  double drift_ = 0;
  double wet_ = 0;
  int64_t lastMs_ = 0;
};

/** A LED and relays nobody sees; kept for who asks. */
class RoomLed final : public Led {
 public:
  void set(uint8_t brightness) override { brightness_ = brightness; }
  [[nodiscard]] uint8_t brightness() const { return brightness_; }

 private:
  uint8_t brightness_ = 0;
};

class RoomOutput final : public Output {
 public:
  explicit RoomOutput(Text name) : name_(name) {}
  [[nodiscard]] Text name() override { return name_; }
  [[nodiscard]] bool set(double value) override {
    value_ = value;
    return true;
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  Text name_;
  double value_ = 0;
};

}  // namespace host
}  // namespace espalier
