#include "flash.h"
#include "ring_world.h"

/** Lives of chance: a broker that comes and goes, forgets what it acknowledged, a manager whose receipts get lost and that cannot read some
 *  readings, clocks that jump, power that fails. Arguments: the first seed, how many. Prints what it counted; a broken promise ends it. */
using namespace espalier;
using namespace espalier::test;

static FaultyStore store;
static char buffer[sizes::kOutBytes];
static const Channel channels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};
constexpr uint64_t kStepMs = 100;
constexpr uint64_t kEndMs = 1200000;
constexpr uint64_t kCalmMs = 700000;
constexpr uint64_t kTailMs = 5000 + 2 * kStepMs;

static uint32_t noise;
static uint32_t chance(uint32_t below) {
  noise = noise * 1664525u + 1013904223u;
  return (noise >> 8) % below;
}

struct Sum {
  uint32_t taken = 0, arrived = 0, twice = 0, dropped = 0, undatable = 0, tails = 0, boots = 0;
};

static void live(uint32_t seed, Sum& sum) {
  noise = seed * 2654435761u + 1;
  store.format();
  Manager manager;
  manager.toleranceMs = 10100;
  std::map<Key, uint64_t> takenAt;
  std::map<Key, uint32_t> forgotten;
  std::map<uint32_t, uint64_t> diedAt;
  std::set<uint32_t> knew;
  uint64_t t = 0;
  uint32_t boot = 0;
  uint32_t dropped = 0;
  uint32_t undatable = 0;
  uint32_t held = 0;
  int64_t skewMs = 0;
  while (t < kEndMs) {
    boot++;
    sum.boots++;
    const uint64_t bornMs = t;
    WallClock clock;
    Recorder recorder(store, clock);
    Recorder::Options options;
    options.id = "01";
    options.channels = channels;
    options.channelCount = 2;
    options.keepReceipt = true;
    recorder.begin(options, boot, 0);
    const uint32_t intervalMs = 500 + 500 * chance(8);
    bool online = false;
    bool sntp = false;
    Outgoing flights[8];
    uint64_t sentAt[8] = {};
    size_t flying = 0;
    uint32_t batches = 0;
    uint64_t secondMs = 0;
    for (; t < kEndMs; t += kStepMs) {
      const bool calm = t >= kCalmMs;
      const uint64_t nowMs = t - bornMs;
      if (calm ? !online || t == kCalmMs : chance(online ? 300 : 200) == 0) {
        online = !online;
        flying = 0;
        if (online) {
          recorder.connected(nowMs);
          manager.birth(boot);
        } else {
          recorder.disconnected();
        }
      }
      if (!calm && chance(1500) == 0) skewMs = static_cast<int64_t>(chance(40000)) - 20000;
      sntp = sntp || calm || chance(400) == 0;
      const int64_t wallMs = 1704844800000 + static_cast<int64_t>(t) + skewMs;
      if (sntp) clock.fromSntp(wallMs, nowMs);
      if (clock.known()) knew.insert(boot);
      if (t % intervalMs == 0 && t < kEndMs - 60000) {
        const double values[] = {chance(10000) / 100.0, chance(1000) / 10.0};
        const uint32_t seq = recorder.take(values, true, -65, nowMs);
        int64_t unixMs = 0;
        if (!clock.at(nowMs, unixMs)) unixMs = 0;
        const size_t size = recorder.lastSensors(buffer, sizeof buffer);
        manager.taken[{boot, seq}] = {std::string(buffer, size), nowMs, unixMs};
        takenAt[{boot, seq}] = t;
        if (!calm && chance(400) == 0) manager.unreadable.insert({boot, seq});
      }
      recorder.step(nowMs);
      while (flying > 0 && sentAt[0] + 200 <= nowMs) {
        recorder.acknowledged(flights[0]);
        flying--;
        for (size_t i = 0; i < flying; i++) {
          flights[i] = flights[i + 1];
          sentAt[i] = sentAt[i + 1];
        }
      }
      while (online && flying < sizes::kWindow) {
        Outgoing message = recorder.nextLive(nowMs, buffer, 1500);
        if (message.count == 0 && flying < sizes::kBacklogWindow) {
          message = recorder.nextBacklog(nowMs, buffer, 1500);
          if (nowMs - secondMs >= 1000) {
            secondMs = nowMs;
            batches = 0;
          }
          if (message.count > 0) batches++;
          must(batches <= 5, "four batches a second", std::to_string(batches));
        }
        if (message.count == 0) break;
        // Sometimes the broker takes it and forgets it; what it forgets three times is rightly given up. What no later reading of its boot
        // passes, is sent again on the next connection: in the end there is one.
        bool forgets = !calm && chance(20) == 0;
        for (uint32_t i = 0; i < message.count; i++) forgets = forgets && forgotten[{message.boot, message.first + i}] < 2;
        for (uint32_t i = 0; forgets && i < message.count; i++) forgotten[{message.boot, message.first + i}]++;
        if (!forgets) manager.receive(message.payload);
        recorder.sent(message, nowMs);
        flights[flying] = message;
        sentAt[flying++] = nowMs;
      }
      if (online && t % 1000 == 0 && chance(3) > 0) {
        Receipts receipts;
        manager.receipts(receipts);
        recorder.receipts(receipts, nowMs);
      }
      dropped = recorder.dropped();
      undatable = recorder.droppedUndatable();
      held = recorder.held();
      if (!calm && chance(1500) == 0) break;
    }
    diedAt[boot] = t;
    t += kStepMs;
  }
  uint32_t lost = 0;
  const std::string life = "seed " + std::to_string(seed);
  for (const auto& one : manager.taken) {
    if (manager.arrived.count(one.first) > 0) continue;
    const uint32_t of = one.first.first;
    if (manager.unreadable.count(one.first) > 0) {
      lost++;
    } else if (diedAt[of] - takenAt[one.first] <= kTailMs) {
      sum.tails++;
    } else {
      must(knew.count(of) == 0, "nothing is lost", life + " " + std::to_string(of) + ":" + std::to_string(one.first.second));
    }
  }
  must(held == 0, "all drains", life + " holds " + std::to_string(held));
  // Given up behind others that are held, it comes back after a reboot, and may be given up once more.
  must(dropped <= lost * boot, "given up is what cannot be read", life + " " + std::to_string(dropped) + " of " + std::to_string(lost));
  sum.taken += static_cast<uint32_t>(manager.taken.size());
  sum.arrived += static_cast<uint32_t>(manager.arrived.size());
  sum.twice += manager.counts.twice;
  sum.dropped += dropped;
  sum.undatable += undatable;
}

int main(int argc, char** argv) {
  const uint32_t first = argc > 1 ? static_cast<uint32_t>(atoi(argv[1])) : 1;
  const uint32_t count = argc > 2 ? static_cast<uint32_t>(atoi(argv[2])) : 10;
  Sum sum;
  for (uint32_t seed = first; seed < first + count; seed++) live(seed, sum);
  printf("{\"lives\":%u,\"boots\":%u,\"taken\":%u,\"arrived\":%u,\"twice\":%u,\"dropped\":%u,\"undatable\":%u,\"tails\":%u}\n", count,
         sum.boots, sum.taken, sum.arrived, sum.twice, sum.dropped, sum.undatable, sum.tails);
  return 0;
}
