#include "flash.h"
#include "ring_world.h"

/** A power cut at every flash write of ten minutes in a node's life, torn in all six ways: boots without a clock, a broker that comes and
 *  goes, clocks that are set back, restarts that are planned and such that are not. Prints what it counted; a broken promise ends it.
 *  Arguments: readings the ring may hold (0: as flash allows), every how manieth write is cut. */
using namespace espalier;
using namespace espalier::test;

static FaultyStore store;
static char buffer[sizes::kOutBytes];
static const Channel channels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};
constexpr int64_t kWallMs = 1704844800000;
constexpr uint64_t kStepMs = 100;
constexpr uint64_t kEndMs = 640000;
/** Five seconds, and a step until it is seen that they are over, and one until it is seen that the power is gone. */
constexpr uint64_t kTailMs = 5000 + 2 * kStepMs;

struct Window {
  uint64_t from;
  uint64_t to;
};
static bool in(uint64_t t, const Window* windows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (t >= windows[i].from && t < windows[i].to) return true;
  }
  return false;
}
/** The third begins in the middle of a drain's receipts; the last is for all that is left. */
constexpr Window kOnline[] = {{60000, 90000}, {290000, 292500}, {400000, 415000}, {500000, kEndMs}};
constexpr Window kSntp[] = {{250000, 330000}, {380000, kEndMs}};
constexpr uint64_t kPlannedMs = 200000;
constexpr uint64_t kPulledMs[] = {360000, 470000};

struct Totals {
  uint32_t runs = 0;
  uint32_t taken = 0;
  uint32_t arrived = 0;
  uint32_t twice = 0;
  uint32_t tails = 0;
  uint32_t undatable = 0;
  uint32_t dropped = 0;
  uint32_t writes = 0;
};

struct Boot {
  uint32_t id = 0;
  uint64_t bornMs = 0;
  uint64_t diedMs = 0;
  uint64_t knewMs = 0;
  bool knew = false;
};

class Life {
 public:
  Life(uint32_t limit, uint32_t cutAt, size_t how) : limit_(limit), cutAt_(cutAt), how_(how) {
    store.format();
    store.cutAt(cutAt, kCuts[how]);
    manager_.toleranceMs = 10100;
  }

  void run(Totals& totals) {
    uint64_t t = 0;
    while (t < kEndMs) t = boot(t);
    judge(totals);
  }

 private:
  /** Until it dies; says when. */
  uint64_t boot(uint64_t t) {
    boots_[bootCount_] = Boot();
    Boot& life = boots_[bootCount_++];
    life.id = 1000 + static_cast<uint32_t>(bootCount_);
    life.bornMs = t;
    WallClock clock;
    Recorder recorder(store, clock);
    Recorder::Options options;
    options.id = "01";
    options.channels = channels;
    options.channelCount = 2;
    options.ringReadings = limit_;
    options.keepReceipt = true;
    recorder.begin(options, life.id, 0);
    bool online = false;
    uint64_t onlineMs = 0;
    flying_ = 0;
    for (; t < kEndMs; t += kStepMs) {
      if (store.off()) break;
      const uint64_t nowMs = t - life.bornMs;
      const bool away = !in(t, kOnline, 4);
      if (online == away) {
        online = !away;
        flying_ = 0;
        onlineMs = t;
        if (online) {
          recorder.connected(nowMs);
          manager_.birth(life.id);
        } else {
          recorder.disconnected();
        }
      }
      // The broker's clock is four seconds ahead; SNTP was wrong by an hour for a while.
      const auto wallMs = kWallMs + static_cast<int64_t>(t);
      if (online && t - onlineMs >= 1000) clock.fromBroker(wallMs + 4000, nowMs);
      if (in(t, kSntp, 2) && nowMs > 3000) clock.fromSntp(t > 440000 && t < 460000 ? wallMs - 3600000 : wallMs, nowMs);
      if (clock.known() && !life.knew) {
        life.knew = true;
        life.knewMs = t;
      }
      if (t % 2000 == 0 || (t % 100000 < 8000 && t % 300 == 0)) take(recorder, clock, life, nowMs);
      if (!store.off()) recorder.step(nowMs);
      while (online && !store.off() && send(recorder, nowMs)) {
      }
      if (online && !store.off() && t % 3000 == 0) {
        Receipts receipts;
        manager_.receipts(receipts);
        recorder.receipts(receipts, nowMs);
      }
      dropped_ = recorder.dropped();
      undatable_ = recorder.droppedUndatable();
      held_ = recorder.held();
      const bool pulled = (t >= kPulledMs[0] && life.bornMs < kPulledMs[0]) || (t >= kPulledMs[1] && life.bornMs < kPulledMs[1]);
      if (t >= kPlannedMs && life.bornMs < kPlannedMs && !store.off()) {
        recorder.step(nowMs, true);
        if (!store.off()) {
          planned_.insert(life.id);
          break;
        }
      }
      if (pulled) break;
    }
    life.diedMs = t;
    store.powerUp();
    return t + kStepMs;
  }

  void take(Recorder& recorder, const WallClock& clock, const Boot& life, uint64_t nowMs) {
    noise_ = noise_ * 1664525u + 1013904223u;
    const double values[] = {noise_ % 50 == 0 ? 1e30 : (noise_ >> 20) / 100.0, (noise_ >> 8) % 1000 / 10.0};
    const uint32_t seq = recorder.take(values, true, -65, nowMs);
    int64_t unixMs = 0;
    if (!clock.at(nowMs, unixMs)) unixMs = 0;
    const size_t size = recorder.lastSensors(buffer, sizeof buffer);
    // On its grid the reading may stand a few ms later than asked for.
    manager_.taken[{life.id, seq}] = {std::string(buffer, size), nowMs, unixMs};
    takenAt_[{life.id, seq}] = life.bornMs + nowMs;
  }

  bool send(Recorder& recorder, uint64_t nowMs) {
    while (flying_ > 0 && sentAt_[0] + 200 <= nowMs) {
      recorder.acknowledged(flights_[0]);
      flying_--;
      for (size_t i = 0; i < flying_; i++) {
        flights_[i] = flights_[i + 1];
        sentAt_[i] = sentAt_[i + 1];
      }
    }
    if (flying_ == sizes::kWindow || store.off()) return false;
    Outgoing message = recorder.nextLive(nowMs, buffer, 600);
    if (message.count == 0 && flying_ < sizes::kBacklogWindow) message = recorder.nextBacklog(nowMs, buffer, 600);
    if (message.count == 0 || store.off()) return false;
    manager_.receive(message.payload);
    recorder.sent(message, nowMs);
    flights_[flying_] = message;
    sentAt_[flying_++] = nowMs;
    return true;
  }

  void judge(Totals& totals) {
    uint32_t tails = 0;
    uint32_t undated = 0;
    uint32_t undatedForSure = 0;
    uint32_t missing = 0;
    for (const auto& one : manager_.taken) {
      if (manager_.arrived.count(one.first) > 0) continue;
      missing++;
      const Boot& life = boots_[one.first.first - 1001];
      const bool tail = planned_.count(life.id) == 0 && life.diedMs - takenAt_[one.first] <= kTailMs;
      const bool noClock = !life.knew || life.diedMs - life.knewMs <= kStepMs;
      if (noClock) {
        undated++;
        if (!tail) undatedForSure++;
      } else if (tail) {
        tails++;
      } else if (limit_ == 0) {
        broken("at most the last five seconds are lost", std::to_string(one.first.first) + ":" + std::to_string(one.first.second) +
                                                             " taken " + std::to_string(takenAt_[one.first]) + " died " +
                                                             std::to_string(life.diedMs));
      }
    }
    const std::string shown = "cut at " + std::to_string(cutAt_) + " how " + std::to_string(how_) + ": missing " + std::to_string(missing) + " tails " + std::to_string(tails) + " undated " +
                              std::to_string(undated) + " dropped " + std::to_string(dropped_) + " undatable " +
                              std::to_string(undatable_);
    must(held_ == 0, "all that is held drains", std::to_string(held_));
    if (limit_ == 0) must(dropped_ == 0, "what is not dropped is not counted", shown);
    must(undatable_ <= undated, "no undatable is counted twice", shown);
    if (limit_ == 0) must(undatable_ >= undatedForSure, "every undatable is counted", shown);
    must(missing <= dropped_ + undatable_ + tails + (undated - undatedForSure), "what is lost is counted", shown);
    totals.runs++;
    totals.taken += static_cast<uint32_t>(manager_.taken.size());
    totals.arrived += static_cast<uint32_t>(manager_.arrived.size());
    totals.twice += manager_.counts.twice;
    totals.tails += tails;
    totals.undatable += undatable_;
    totals.dropped += dropped_;
    totals.writes = store.changes();
  }

  uint32_t limit_;
  uint32_t cutAt_;
  size_t how_;
  Manager manager_;
  Boot boots_[16];
  size_t bootCount_ = 0;
  std::map<Key, uint64_t> takenAt_;
  std::set<uint32_t> planned_;
  Outgoing flights_[8];
  uint64_t sentAt_[8] = {};
  size_t flying_ = 0;
  uint32_t noise_ = 3;
  uint32_t dropped_ = 0;
  uint32_t undatable_ = 0;
  uint32_t held_ = 0;
};

int main(int argc, char** argv) {
  const uint32_t limit = argc > 1 ? static_cast<uint32_t>(atoi(argv[1])) : 0;
  const uint32_t every = argc > 2 ? static_cast<uint32_t>(atoi(argv[2])) : 1;
  Totals calm;
  Life(limit, 0, 0).run(calm);
  Totals totals;
  for (uint32_t n = 1; n <= calm.writes; n += every) {
    for (size_t how = 0; how < sizeof kCuts / sizeof kCuts[0]; how++) Life(limit, n, how).run(totals);
  }
  printf("{\"writes\":%u,\"calm_taken\":%u,\"calm_arrived\":%u,\"runs\":%u,\"taken\":%u,\"arrived\":%u,\"twice\":%u,\"tails\":%u,"
         "\"undatable\":%u,\"dropped\":%u}\n",
         calm.writes, calm.taken, calm.arrived, totals.runs, totals.taken, totals.arrived, totals.twice, totals.tails, totals.undatable,
         totals.dropped);
  return 0;
}
