#pragma once
#include "espalier/ports.h"

namespace espalier {

/** The way to the broker as a pure machine: boot → network → time → broker → running, and back with growing pauses. It opens nothing and
 *  knows no MQTT: what happened comes in, what is to be done comes out. Two attempts are never begun within a second; the pauses have
 *  full jitter from a seed of the board's own, so that a thousand boards do not come back in step. */
class Connection {
 public:
  enum class Phase : uint8_t {
    /** Nowhere to go: not provisioned. */
    boot,
    network,
    /** The network is there, a clock is not: waits a little for SNTP, the broker tells the time otherwise. */
    time,
    /** Between two attempts. */
    pause,
    connecting,
    subscribing,
    /** From SUBACK on. */
    running,
  };
  enum class Do : uint8_t { nothing, join, connect, subscribe, birth, abort };

  static constexpr uint32_t kFloorMs = 1000;
  static constexpr uint32_t kFirstMs = 1000;
  static constexpr uint32_t kCeilingMs = 30000;
  /** A network that did not come so long is joined anew. */
  static constexpr uint32_t kJoinMs = 30000;
  static constexpr uint32_t kTimeMs = 2000;
  /** CONNACK and SUBACK must come within this. */
  static constexpr uint32_t kAnswerMs = 60000;

  void begin(uint32_t seed, uint64_t nowMs);
  /** Settings are there. From now on it tries, at once as far as a second has passed. `anew`: the network is another one. */
  void go(uint64_t nowMs, bool anew);
  /** Stays away until go(). */
  void rest();
  struct Surroundings {
    bool linkUp = false;
    bool timeKnown = false;
  };
  /** Ask until `nothing`. */
  [[nodiscard]] Do step(const Surroundings& around, uint64_t nowMs);
  /** What the port said: connected, subscribed, refused, disconnected. */
  [[nodiscard]] Do hear(MqttEventKind what, uint64_t nowMs);
  /** The broker answered to the birth: the next pause begins small again. */
  void proved() { failures_ = 0; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool running() const { return phase_ == Phase::running; }

 private:
  void enter(Phase phase, uint64_t nowMs);
  void fail(uint64_t nowMs);
  [[nodiscard]] uint32_t random();

  Phase phase_ = Phase::boot;
  uint64_t sinceMs_ = 0;
  uint64_t nextAttemptMs_ = 0;
  uint64_t lastAttemptMs_ = 0;
  uint32_t state_ = 1;
  uint8_t failures_ = 0;
  bool attempted_ = false;
  bool joined_ = false;
};

}  // namespace espalier
