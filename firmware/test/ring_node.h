#pragma once
#include "espalier/recorder.h"
#include "flash.h"

/** What the units of the ring share: a node's ring and its broker on a clock of the test's, over flash in memory. No heap. */
namespace espalier {
namespace test {


inline FaultyStore store;
inline char buffer[sizes::kOutBytes];
constexpr int64_t kWallMs = 1704844800000;
constexpr double kValues[] = {22.5, 45.25};
inline const Channel kChannels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};
inline const Channel kOther[] = {{"moisture", "%", false, 0, 0, 0}};

/** Flash with room for so many bytes. */
class SmallDisk final : public Store {
 public:
  explicit SmallDisk(size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] size_t read(Text name, size_t offset, uint8_t* out, size_t room) override { return store.read(name, offset, out, room); }
  [[nodiscard]] bool write(Text name, Span data) override { return fits(data) && store.write(name, data); }
  [[nodiscard]] bool append(Text name, Span data) override { return fits(data) && store.append(name, data); }
  void remove(Text name) override { store.remove(name); }

 private:
  [[nodiscard]] bool fits(Span data) const { return store.used() + data.size <= bytes_; }
  size_t bytes_;
};

/** A node's ring and its broker, on a clock of the test's. */
struct Node {
  WallClock clock;
  Recorder recorder;
  uint64_t nowMs = 0;
  uint32_t boot;
  uint32_t messages = 0;
  uint32_t readings = 0;
  Outgoing last;

  explicit Node(uint32_t name, bool keepReceipt = true, uint32_t limit = 0, const Channel* channels = kChannels, size_t count = 2,
                Store& flash = store)
      : recorder(flash, clock), boot(name) {
    Recorder::Options options;
    options.id = "01";
    options.channels = channels;
    options.channelCount = count;
    options.ringReadings = limit;
    options.keepReceipt = keepReceipt;
    recorder.begin(options, name, 0);
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void knowTime(int64_t unixMs = kWallMs) { clock.fromSntp(unixMs + static_cast<int64_t>(nowMs), nowMs); }
  void pass(uint64_t ms) {
    for (const uint64_t end = nowMs + ms; nowMs < end;) {
      nowMs += 100;
      recorder.step(nowMs);
    }
  }
  void take(uint32_t count, uint64_t everyMs) {
    for (uint32_t i = 0; i < count; i++) {
      recorder.take(kValues, true, -65, nowMs);
      pass(everyMs);
    }
  }
  bool handOver(const Outgoing& message, bool acknowledge) {
    if (message.count == 0) return false;
    last = message;
    messages++;
    readings += message.count;
    recorder.sent(message, nowMs);
    if (acknowledge) recorder.acknowledged(message);
    return true;
  }
  bool live(bool acknowledge = true) { return handOver(recorder.nextLive(nowMs, buffer, sizeof buffer), acknowledge); }
  bool backlog(bool acknowledge = true) { return handOver(recorder.nextBacklog(nowMs, buffer, sizeof buffer), acknowledge); }
  /** All that is due, until nothing is for two seconds. */
  void drain() {
    for (uint64_t quietMs = 0; quietMs < 2000; quietMs += 100) {
      while (live() || backlog()) quietMs = 0;
      pass(100);
    }
  }
  void receipt(uint32_t of, bool settled, uint32_t seq, uint32_t seen) {
    Receipts receipts;
    receipts.count = 1;
    receipts.entries[0] = {of, settled, seq, seen, 0};
    recorder.receipts(receipts, nowMs);
  }
};

inline bool holds(Text text, const char* part) {
  const size_t size = strlen(part);
  for (size_t i = 0; i + size <= text.size; i++) {
    if (memcmp(text.data + i, part, size) == 0) return true;
  }
  return false;
}

/** The first timestamp, in ms. */
inline int64_t timeOf(Text payload) {
  constexpr char kKey[] = "\"timestamp\":";
  size_t at = 0;
  while (memcmp(payload.data + at, kKey, sizeof kKey - 1) != 0) at++;
  int64_t value = 0;
  int decimals = -1;
  for (at += sizeof kKey - 1; payload.data[at] != ','; at++) {
    if (payload.data[at] == '.') {
      decimals = 0;
      continue;
    }
    value = value * 10 + (payload.data[at] - '0');
    if (decimals >= 0) decimals++;
  }
  for (; decimals < 3; decimals++) value *= decimals < 0 ? 1 : 10;
  return value;
}

/** Appends and new segments, not the state. */
inline uint32_t ringWrites() {
  uint32_t sum = 0;
  for (size_t i = 0; i < sizes::kSegments; i++) {
    const char name[] = {'r', 'i', 'n', 'g', '.', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    sum += store.appends(Text(name, sizeof name)) + store.erases(Text(name, sizeof name));
  }
  return sum;
}

}  // namespace test
}  // namespace espalier
