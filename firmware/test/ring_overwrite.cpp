#include "flash.h"
#include "ring_world.h"

/** A full ring turns over, and its power is cut at every flash write meanwhile: what it says is dropped is what is gone, to the reading.
 *  Prints what it counted; a broken promise ends it. Argument: every how manieth write is cut. */
using namespace espalier;
using namespace espalier::test;

static FaultyStore full;
static FaultyStore store;
static char buffer[sizes::kOutBytes];
static const Channel channels[] = {
    {"a", "m", false, 0, 0, 6}, {"b", "m", false, 0, 0, 6}, {"c", "m", false, 0, 0, 6}, {"d", "m", false, 0, 0, 6},
    {"e", "m", false, 0, 0, 6}, {"f", "m", false, 0, 0, 6}, {"g", "m", false, 0, 0, 5}, {"h", "m", false, 0, 0, 4},
};
constexpr int64_t kWallMs = 1704844800000;
constexpr uint64_t kEveryMs = 100;

static uint32_t noise = 1;
static uint32_t random32() {
  noise = noise * 1664525u + 1013904223u;
  return noise ^ noise >> 15;
}

static Recorder::Options options() {
  Recorder::Options it;
  it.id = "01";
  it.channels = channels;
  it.channelCount = 8;
  it.keepReceipt = true;
  return it;
}

static std::map<Key, Truth> taken;

/** Readings as fast as they come, nobody to send to. Says how long it lived. */
static uint64_t live(FaultyStore& flash, uint32_t boot, uint64_t bornMs, uint64_t forMs) {
  WallClock clock;
  Recorder recorder(flash, clock);
  recorder.begin(options(), boot, 0);
  clock.fromSntp(kWallMs + static_cast<int64_t>(bornMs), 0);
  uint64_t nowMs = 0;
  for (; nowMs < forMs && !flash.off(); nowMs += kEveryMs) {
    double values[8];
    for (double& value : values) value = random32() % 100 == 0 ? 1e300 : (random32() - 2147483648.0) / 1e6;
    const uint32_t seq = recorder.take(values, true, -65, nowMs);
    const size_t size = recorder.lastSensors(buffer, sizeof buffer);
    taken[{boot, seq}] = {std::string(buffer, size), nowMs, kWallMs + static_cast<int64_t>(bornMs + nowMs)};
    recorder.step(nowMs);
  }
  return nowMs;
}

struct End {
  uint32_t missing = 0;
  uint32_t dropped = 0;
};

static End drain(uint32_t boot, uint64_t bornMs) {
  Manager manager;
  manager.taken = taken;
  WallClock clock;
  Recorder recorder(store, clock);
  recorder.begin(options(), boot, 0);
  clock.fromSntp(kWallMs + static_cast<int64_t>(bornMs), 0);
  recorder.connected(0);
  manager.birth(boot);
  for (uint64_t nowMs = 0; recorder.held() > 0; nowMs += 250) {
    must(nowMs < 1000000, "a full ring drains", std::to_string(recorder.held()));
    const Outgoing message = recorder.nextBacklog(nowMs, buffer, sizeof buffer);
    if (message.count > 0) {
      manager.receive(message.payload);
      recorder.sent(message, nowMs);
      recorder.acknowledged(message);
    }
    Receipts receipts;
    manager.receipts(receipts);
    recorder.receipts(receipts, nowMs);
    recorder.step(nowMs);
  }
  End end;
  for (const auto& one : taken) end.missing += manager.arrived.count(one.first) == 0 ? 1u : 0u;
  end.dropped = recorder.dropped();
  return end;
}

int main(int argc, char** argv) {
  const uint32_t every = argc > 1 ? static_cast<uint32_t>(atoi(argv[1])) : 1;
  full.format();
  const uint64_t fillMs = live(full, 1, 0, 580000);
  const std::map<Key, Truth> before = taken;
  const uint32_t filled = full.changes();
  uint32_t runs = 0;
  uint32_t tails = 0;
  uint32_t most = 0;
  bool ended = false;
  for (uint32_t n = 1; !ended; n += every) {
    for (const Cut& how : kCuts) {
      store = full;
      taken = before;
      noise = n;
      store.cutAt(n, how);
      const uint64_t livedMs = live(store, 2, fillMs + 6000, 30000);
      ended = !store.off();
      store.powerUp();
      const End end = drain(3, fillMs + 100000);
      uint32_t lost = 0;
      must(end.missing >= end.dropped, "no more is counted than is gone", std::to_string(end.dropped));
      lost = end.missing - end.dropped;
      // Five seconds of the first life's end, which was pulled too, and of the second's.
      must(lost <= 2 * (5000 / kEveryMs + 2), "what is gone is counted",
           std::to_string(n) + ": missing " + std::to_string(end.missing) + " dropped " + std::to_string(end.dropped) + " lived " +
               std::to_string(livedMs));
      tails += lost;
      if (end.dropped > most) most = end.dropped;
      runs++;
    }
  }
  printf("{\"filled_by\":%u,\"fill_readings\":%zu,\"flash_bytes\":%zu,\"runs\":%u,\"tails\":%u,\"most_dropped\":%u}\n", filled,
         before.size(), full.used(), runs, tails, most);
  return 0;
}
