#pragma once
#include "espalier/flash_ring.h"
#include "espalier/inbox.h"
#include "espalier/reading.h"
#include "espalier/ring_state.h"
#include "espalier/telemetry.h"
#include "espalier/wall_clock.h"

namespace espalier {

/** One message of telemetry in the caller's buffer. `payload.size` 0: nothing to send now. */
struct Outgoing {
  Text payload;
  /** Names the readings in it to sent() and acknowledged(). */
  uint32_t boot = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

/** The ring of readings: RAM first, flash for what is uncovered after five seconds, receipts, resend, poison, and what to send next.
 *  Knows no MQTT. Losing power at any flash write costs at most the last five seconds, and no reading ever comes out twice with another
 *  time or other values. */
class Recorder {
 public:
  Recorder(Store& store, WallClock& clock) : clock_(clock), flash_(store), stateFile_(store) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  struct Options {
    Text id;
    /** These and `id` stay the caller's. At most kChannels are recorded. */
    const Channel* channels = nullptr;
    size_t channelCount = 0;
    /** Readings held at most; 0: as many as flash holds. */
    uint32_t ringReadings = 0;
    /** Keep until receipt (else free on PUBACK). */
    bool keepReceipt = false;
  };
  /** Reads back what earlier boots left, and writes once. `boot` is this boot's. */
  void begin(const Options& options, uint32_t boot, uint64_t nowMs);

  /** Takes one reading: values of all channels in order, NaN for failed ones. Returns its seq. */
  uint32_t take(const double* values, bool hasRssi, int8_t rssi, uint64_t nowMs);

  /** The next live message: one reading, or a batch where several wait; under 1 s interval one batch a second. Encoded into `out`; call
   *  sent() once it was handed over. Nothing while there is no clock. */
  [[nodiscard]] Outgoing nextLive(uint64_t nowMs, char* out, size_t room);
  /** The next batch of backlog, at most 4 a second, oldest first. */
  [[nodiscard]] Outgoing nextBacklog(uint64_t nowMs, char* out, size_t room);
  void sent(const Outgoing& message, uint64_t nowMs);
  /** Its PUBACK, on the connection it was sent on. `payload` is not looked at. */
  void acknowledged(const Outgoing& message);

  void connected(uint64_t nowMs);
  void disconnected();
  void receipts(const Receipts& receipts, uint64_t nowMs);
  /** On false, what was acknowledged meanwhile is free. */
  void setKeepReceipt(bool keep);
  /** Of a node that got its name after begin(). Stays the caller's. */
  void setId(Text id) { id_ = id; }
  void setIntervalMs(uint32_t intervalMs) { intervalMs_ = intervalMs; }

  /** Writes to flash what is due; once a step. `all`: before a restart. */
  void step(uint64_t nowMs, bool all = false);
  /** Forgets all, flash too (factory reset). */
  void erase();

  /** Readings that wait to be sent as backlog; all that are held while there is no connection. */
  [[nodiscard]] uint32_t backlog() const;
  [[nodiscard]] uint32_t held() const;
  /** Given up or overwritten, and dropped for want of a date: over reboots, since the last erase(). */
  [[nodiscard]] uint32_t dropped() const { return state_.dropped; }
  [[nodiscard]] uint32_t droppedUndatable() const { return state_.droppedUndatable; }
  /** The last values taken, as read_now answers: {"temperature":22.5,…}. */
  [[nodiscard]] size_t lastSensors(char* out, size_t room) const;

 private:
  /** What is known of one boot's readings. All are borders: one past the last. */
  struct Track {
    uint32_t boot = 0;
    /** Held are those from `first` to `end`, without what is missing in between. */
    uint32_t first = 0;
    uint32_t end = 0;
    /** To be sent as backlog now. */
    uint32_t due = 0;
    uint32_t dueEnd = 0;
    uint32_t dueFrom = 0;
    /** All before had a PUBACK. */
    uint32_t acked = 0;
    /** How far receipts have seen; from 30 s after `markAtMs` what is below `mark` is due again. */
    uint32_t seen = 0;
    uint32_t mark = 0;
    /** Sent at least once, twice, three times; `before`: when the walk that is under way began. */
    uint32_t reach[3] = {};
    uint32_t before[2] = {};
    /** Sent three times, the last time 30 s ago: what is not settled now cannot be read. */
    uint32_t thrice = 0;
    bool anchored = false;
    /** Dates its undated readings. */
    int64_t anchorMs = 0;
    uint64_t markAtMs = 0;
    uint64_t sentAtMs = 0;
    uint64_t thriceAtMs = 0;
  };
  /** A place in flash and the reading before it. */
  struct Place {
    bool there = false;
    FlashRing::Cursor cursor;
    Reading reading;
  };
  struct Flight {
    uint32_t boot = 0;
    uint32_t first = 0;
    uint32_t end = 0;
    bool acked = false;
  };
  /** Boots that readings in flash are told of at once; those of more wait until the oldest are settled. */
  static constexpr size_t kTracks = 20;
  static constexpr size_t kFlights = 12;

  // recorder.cpp: taking, dating.
  void learnTime();
  void stamp(Reading& reading);
  void makeRoom(uint64_t nowMs);
  void keepWithinLimit();
  void dropOldest();
  [[nodiscard]] uint32_t ramFirst() const;
  [[nodiscard]] Reading& slot(uint32_t seq) { return ram_[seq % sizes::kRamReadings]; }
  [[nodiscard]] const Reading& slot(uint32_t seq) const { return ram_[seq % sizes::kRamReadings]; }
  [[nodiscard]] static uint64_t bit(uint32_t seq) { return UINT64_C(1) << (seq % sizes::kRamReadings); }
  [[nodiscard]] bool ramHeld(uint32_t seq) const;

  // recorder_flash.cpp: to flash and back.
  void toFlash(uint64_t nowMs);
  void refuse(uint64_t nowMs);
  [[nodiscard]] bool flashMay(uint64_t nowMs) const;
  [[nodiscard]] bool anchorDue() const;
  [[nodiscard]] uint32_t waitingInRam() const;
  void dropSegment(uint32_t generation);
  void saveState();
  void sweep();
  void advance(Place& place);
  [[nodiscard]] bool heldInFlash(const Reading& reading);
  void survey();
  [[nodiscard]] bool gone(const FlashRing::Cursor& cursor) const;
  [[nodiscard]] Track* insert(uint32_t boot, uint32_t first);

  // recorder_sending.cpp: what is next.
  void walk(Track& track, uint32_t from, uint32_t end);
  [[nodiscard]] Outgoing encode(Track& track, uint32_t first, uint32_t end, bool batch, char* out, size_t room);
  [[nodiscard]] bool fetch(const Track& track, uint32_t from, Place& place, Reading& out);
  [[nodiscard]] bool sendable(const Reading& reading) const;
  void landed(const Flight& flight);
  void removeFlight();
  [[nodiscard]] bool inFlight(uint32_t boot, uint32_t from, uint32_t end) const;

  // recorder_receipts.cpp: what is settled.
  void receipt(const Receipt& receipt, uint64_t nowMs);
  void giveUp(Track& track);
  void resend(uint64_t nowMs);
  void free(Track& track, uint32_t upTo);
  [[nodiscard]] Track& own() { return tracks_[trackCount_ - 1]; }
  [[nodiscard]] const Track& own() const { return tracks_[trackCount_ - 1]; }
  [[nodiscard]] Track* find(uint32_t boot);

  WallClock& clock_;
  FlashRing flash_;
  RingStateFile stateFile_;
  Text id_;
  Column columns_[sizes::kChannels];
  size_t columnCount_ = 0;
  uint32_t boot_ = 0;
  uint32_t limit_ = 0;
  uint32_t intervalMs_ = 10000;
  bool keepReceipt_ = false;
  bool online_ = false;

  /** This boot's latest readings, by the remainder of their seq. */
  Reading ram_[sizes::kRamReadings];
  /** Of the RAM's readings: had a PUBACK, need not be kept. */
  uint64_t acked_ = 0;
  uint64_t gone_ = 0;
  uint32_t nextSeq_ = 0;
  /** Of this boot all below are in flash, or need not be. */
  uint32_t flashedTo_ = 0;
  uint64_t lastMonoMs_ = 0;
  /** The latest time on this phase. */
  int64_t lastUnixMs_ = 0;
  /** Readings below were written without a date; sent only when the anchor stands in flash too. */
  uint32_t undatedBelow_ = 0;
  bool anchorDurable_ = false;

  /** Oldest boot first, this boot's last. */
  Track tracks_[kTracks];
  size_t trackCount_ = 1;
  /** Flash holds boots for which there was no place. */
  bool more_ = false;
  /** The oldest that is held in flash; from it on so many stand there. */
  Place head_;
  uint32_t flashCount_ = 0;
  /** Where the backlog was last read. */
  Place walk_;
  uint32_t walkBoot_ = 0;
  uint32_t walkSeq_ = 0;

  /** The next reading that goes out live, and where this connection's live ones began. */
  uint32_t liveNext_ = 0;
  uint32_t liveFrom_ = 0;
  uint64_t liveAtMs_ = 0;
  uint64_t batchAtMs_ = 0;
  /** The last live message took all that waited. */
  bool liveTookAll_ = true;
  Flight flights_[kFlights];
  size_t flightCount_ = 0;

  RingState state_;
  bool stateDirty_ = false;
  uint64_t stateAtMs_ = 0;
  uint64_t refusedAtMs_ = 0;
  bool refused_ = false;
  /** Since flash last took something. */
  uint8_t refusals_ = 0;
  uint8_t sacrificed_ = 0;
};

static_assert(sizeof(Recorder) <= 8 * 1024, "the ring's share of the core's memory");

}  // namespace espalier
