#pragma once
#include "espalier/inbox.h"
#include "espalier/ports.h"
#include "espalier/wall_clock.h"

namespace espalier {

constexpr int32_t kNoValue = INT32_MIN;

/** One reading, as taken. Its time and values never change once it was sent: live and backlog are encoded from this. */
struct Reading {
  uint32_t boot = 0;
  uint32_t seq = 0;
  /** Since boot; what dates it. */
  uint64_t monoMs = 0;
  /** Unix ms; 0: not dated yet. */
  int64_t unixMs = 0;
  uint32_t uptimeS = 0;
  /** dBm; 0: none. */
  int8_t rssi = 0;
  uint8_t count = 0;
  /** In 10^-decimals of its channel, or kNoValue. */
  int32_t values[sizes::kChannels] = {};
};

/** One message of telemetry in the caller's buffer. `payload.size` 0: nothing to send now. */
struct Outgoing {
  Text payload;
  /** Names the readings in it to sent(), acknowledged(), lost(). */
  uint32_t boot = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

/** The ring of readings: RAM first, flash for what is uncovered after five seconds, receipts, resend, poison, and what to send next.
 *  Knows no MQTT. Losing power at any flash write costs at most the last five seconds. */
class Recorder {
 public:
  Recorder(Store& store, WallClock& clock) : store_(store), clock_(clock) {}

  struct Options {
    Text id;
    const Channel* channels = nullptr;
    size_t channelCount = 0;
    /** Readings held at most; 0: as many as flash holds. */
    uint32_t ringReadings = 0;
    /** Keep until receipt (else free on PUBACK). */
    bool keepReceipt = false;
  };
  /** Reads back what earlier boots left. `boot` is this boot's. */
  void begin(const Options& options, uint32_t boot, uint64_t nowMs);

  /** Takes one reading: values of all channels in order, NaN for failed ones. Returns its seq. */
  uint32_t take(const double* values, bool hasRssi, int8_t rssi, uint64_t nowMs);

  /** The next live message, or the next batch of backlog (at most 4 a second, oldest first; under 1 s interval live ones are batched once a second). Encoded
   *  into `out`; call sent() once it was handed over. */
  [[nodiscard]] Outgoing nextLive(uint64_t nowMs, char* out, size_t room);
  [[nodiscard]] Outgoing nextBacklog(uint64_t nowMs, char* out, size_t room);
  void sent(const Outgoing& message, uint64_t nowMs);
  void acknowledged(const Outgoing& message);

  void connected(uint64_t nowMs);
  void disconnected();
  void receipts(const Receipts& receipts, uint64_t nowMs);
  void setKeepReceipt(bool keep);
  void setIntervalMs(uint32_t intervalMs);

  /** Writes to flash what is due; once a step. `all`: before a restart. */
  void step(uint64_t nowMs, bool all = false);
  /** Forgets all, flash too (factory reset). */
  void erase();

  [[nodiscard]] uint32_t backlog() const;
  [[nodiscard]] uint32_t dropped() const;
  [[nodiscard]] uint32_t droppedUndatable() const;
  /** The last values taken, as read_now answers: {"temperature":22.5,…}. */
  [[nodiscard]] size_t lastSensors(char* out, size_t room) const;

 private:
  Store& store_;
  WallClock& clock_;
};

}  // namespace espalier
