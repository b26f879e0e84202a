#pragma once
#include <stdint.h>

namespace espalier {
namespace host {

/** Numbers that are the same in every run of one seed (splitmix64). */
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed) {}
  [[nodiscard]] uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /** In [0, 1). */
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11) / 9007199254740992.0; }
  /** Near 0, spread 1: the sum of twelve. */
  [[nodiscard]] double bell() {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += unit();
    return sum;
  }

 private:
  uint64_t state_;
};

}  // namespace host
}  // namespace espalier
