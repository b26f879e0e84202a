#include "flash.h"
#include "ring_world.h"

/** The broker is away for a day at one reading per ten seconds, then the backlog drains beside live readings. Prints what it counted, as
 *  JSON; a broken promise ends it. Arguments: readings the ring may hold (0: as flash allows), hours away. */
using namespace espalier;
using namespace espalier::test;

static FaultyStore store;
static char buffer[sizes::kOutBytes];
static const Channel channels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};
constexpr int64_t kBootAtMs = 1704844800000;
constexpr uint32_t kBoot = 4242;
constexpr uint64_t kStepMs = 10;

static uint32_t noise = 7;
static double wander(double value, double by) {
  noise = noise * 1664525u + 1013904223u;
  return value + by * (static_cast<double>(noise >> 16) / 65536.0 - 0.5);
}

int main(int argc, char** argv) {
  const uint32_t limit = argc > 1 ? static_cast<uint32_t>(atoi(argv[1])) : 0;
  const uint64_t awayMs = (argc > 2 ? static_cast<uint64_t>(atoi(argv[2])) : 24) * 3600000;
  WallClock clock;
  Recorder recorder(store, clock);
  Manager manager;
  Recorder::Options options;
  options.id = "01";
  options.channels = channels;
  options.channelCount = 2;
  options.ringReadings = limit;
  options.keepReceipt = true;
  recorder.begin(options, kBoot, 0);
  clock.fromSntp(kBootAtMs, 0);
  manager.birth(kBoot);

  double temperature = 21;
  double humidity = 45;
  uint64_t nowMs = 0;
  const auto take = [&] {
    temperature = wander(temperature, 0.4);
    humidity = wander(humidity, 1);
    const double values[] = {temperature, humidity};
    const uint32_t seq = recorder.take(values, true, -65, nowMs);
    const size_t size = recorder.lastSensors(buffer, sizeof buffer);
    manager.taken[{kBoot, seq}] = {std::string(buffer, size), nowMs, kBootAtMs + static_cast<int64_t>(nowMs)};
  };

  for (; nowMs < awayMs; nowMs += kStepMs) {
    if (nowMs % 10000 == 0) take();
    recorder.step(nowMs);
  }
  const uint32_t heldAway = recorder.held();
  const size_t flashBytes = store.used();
  uint32_t mostErases = 0;
  uint32_t erases = 0;
  uint32_t appends = 0;
  uint32_t segments = 0;
  for (size_t i = 0; i < sizes::kSegments; i++) {
    const char name[] = {'r', 'i', 'n', 'g', '.', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    const uint32_t worn = store.erases(Text(name, sizeof name));
    erases += worn;
    appends += store.appends(Text(name, sizeof name));
    if (worn > mostErases) mostErases = worn;
    if (worn > 0) segments++;
  }

  // The broker is back: PUBACK after 40 ms, a receipt a second.
  const uint64_t backMs = nowMs;
  recorder.connected(nowMs);
  uint64_t longestLiveMs = 0;
  uint64_t drainedMs = 0;
  uint64_t batchTimes[5] = {};
  uint32_t batches = 0;
  uint32_t mostASecond = 0;
  Outgoing flights[8];
  uint64_t sentAt[8] = {};
  size_t flying = 0;
  std::map<uint32_t, uint64_t> waits;
  for (; nowMs < backMs + 600000 && (drainedMs == 0 || nowMs < drainedMs + 30000); nowMs += kStepMs) {
    while (flying > 0 && nowMs >= sentAt[0] + 40) {
      recorder.acknowledged(flights[0]);
      flying--;
      for (size_t i = 0; i < flying; i++) {
        flights[i] = flights[i + 1];
        sentAt[i] = sentAt[i + 1];
      }
    }
    if (nowMs % 10000 == 0) {
      take();
      waits[static_cast<uint32_t>(manager.taken.rbegin()->first.second)] = nowMs;
    }
    recorder.step(nowMs);
    for (;;) {
      const bool roomForLive = flying < sizes::kWindow;
      const bool roomForBacklog = flying < sizes::kBacklogWindow;
      Outgoing message = roomForLive ? recorder.nextLive(nowMs, buffer, sizeof buffer) : Outgoing();
      const bool live = message.count > 0;
      if (!live && roomForBacklog) message = recorder.nextBacklog(nowMs, buffer, sizeof buffer);
      if (message.count == 0) break;
      manager.receive(message.payload);
      recorder.sent(message, nowMs);
      flights[flying] = message;
      sentAt[flying++] = nowMs;
      if (live) {
        for (uint32_t i = 0; i < message.count; i++) {
          const uint64_t waited = nowMs - waits[message.first + i];
          if (waited > longestLiveMs) longestLiveMs = waited;
        }
      } else {
        batches++;
        for (size_t i = 4; i > 0; i--) batchTimes[i] = batchTimes[i - 1];
        batchTimes[0] = nowMs;
        uint32_t inSecond = 0;
        for (const uint64_t at : batchTimes) inSecond += at > 0 && nowMs - at < 1000 ? 1u : 0u;
        if (inSecond > mostASecond) mostASecond = inSecond;
      }
    }
    if (nowMs % 1000 == 500) {
      Receipts receipts;
      manager.receipts(receipts);
      recorder.receipts(receipts, nowMs);
    }
    if (drainedMs == 0 && recorder.backlog() == 0 && recorder.held() == 0) drainedMs = nowMs;
  }
  uint32_t missing = 0;
  for (const auto& one : manager.taken) missing += manager.arrived.count(one.first) == 0 ? 1u : 0u;
  printf("{\"taken\":%zu,\"arrived\":%zu,\"missing\":%u,\"dropped\":%u,\"booked_lost\":%zu,\"twice\":%u,\"held_after_outage\":%u,",
         manager.taken.size(), manager.arrived.size(), missing, recorder.dropped(), manager.lost.size(), manager.counts.twice, heldAway);
  printf("\"flash_bytes\":%zu,\"segments\":%u,\"bytes_a_reading\":%.2f,\"appends\":%u,\"erases\":%u,\"most_erases_of_one\":%u,",
         flashBytes, segments, heldAway > 0 ? static_cast<double>(flashBytes) / heldAway : 0.0, appends, erases, mostErases);
  printf("\"batches\":%u,\"most_in_a_batch\":%u,\"most_a_second\":%u,\"drained_ms\":%llu,\"longest_live_ms\":%llu,\"ram_bytes\":%zu,",
         batches, manager.counts.mostInBatch, mostASecond, static_cast<unsigned long long>(drainedMs - backMs),
         static_cast<unsigned long long>(longestLiveMs), sizeof(Recorder));
  printf("\"held_at_end\":%u,\"flash_bytes_at_end\":%zu}\n", recorder.held(), store.used());
  return 0;
}
