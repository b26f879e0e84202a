#include "room.h"

#include <math.h>

namespace espalier {
namespace host {
namespace {

constexpr double kDayMs = 86400000;
/** Warmest in the afternoon. */
constexpr double kWarmestMs = 15 * 3600000.0;

/** A walk that always comes home: spread `sigma`, forgotten after `tauMs`. */
double wander(double from, double sigma, double tauMs, double elapsedMs, Noise& noise) {
  const double kept = exp(-elapsedMs / tauMs);
  return from * kept + sigma * sqrt(1 - kept * kept) * noise.bell();
}

}  // namespace

RoomSensor::RoomSensor(HostClock& clock, uint64_t seed) : clock_(clock), noise_(seed), level_(20 + noise_.bell() * 1.5), damp_(50 + noise_.bell() * 6) {}

size_t RoomSensor::channels(const Channel*& out) {
  static constexpr Channel kChannels[] = {{"temperature", "°C", true, -40, 85, 2}, {"humidity", "%", true, 0, 100, 1}};
  out = kChannels;
  return 2;
}

void RoomSensor::read(double* out) {
  const int64_t nowMs = clock_.unixMs();
  const double elapsedMs = lastMs_ == 0 || nowMs < lastMs_ ? kDayMs : static_cast<double>(nowMs - lastMs_);
  lastMs_ = nowMs;
  drift_ = wander(drift_, 0.5, 3600000, elapsedMs, noise_);
  wet_ = wander(wet_, 2.5, 5400000, elapsedMs, noise_);
  const double warmth = 2.5 * cos((static_cast<double>(nowMs) - kWarmestMs) / kDayMs * 2 * 3.14159265358979) + drift_;
  out[0] = level_ + warmth + noise_.bell() * 0.04;
  // Warm air holds more water: some four points of relative humidity a degree.
  out[1] = fmin(99, fmax(5, damp_ - 4 * warmth + wet_ + noise_.bell() * 0.15));
}

}  // namespace host
}  // namespace espalier
