#include "check.h"
#include "espalier/recorder.h"
#include "flash.h"

using namespace espalier;
using namespace espalier::test;

namespace {

FaultyStore store;
char buffer[sizes::kOutBytes];
constexpr int64_t kWallMs = 1704844800000;
constexpr double kValues[] = {22.5, 45.25};
const Channel kChannels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};
const Channel kOther[] = {{"moisture", "%", false, 0, 0, 0}};

/** A node's ring and its broker, on a clock of the test's. */
struct Node {
  WallClock clock;
  Recorder recorder{store, clock};
  uint64_t nowMs = 0;
  uint32_t boot;
  uint32_t messages = 0;
  uint32_t readings = 0;
  Outgoing last;

  explicit Node(uint32_t name, bool keepReceipt = true, uint32_t limit = 0, const Channel* channels = kChannels, size_t count = 2)
      : boot(name) {
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

bool holds(Text text, const char* part) {
  const size_t size = strlen(part);
  for (size_t i = 0; i + size <= text.size; i++) {
    if (memcmp(text.data + i, part, size) == 0) return true;
  }
  return false;
}

/** The first timestamp, in ms. */
int64_t timeOf(Text payload) {
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
uint32_t ringWrites() {
  uint32_t sum = 0;
  for (size_t i = 0; i < sizes::kSegments; i++) {
    const char name[] = {'r', 'i', 'n', 'g', '.', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    sum += store.appends(Text(name, sizeof name)) + store.erases(Text(name, sizeof name));
  }
  return sum;
}

}  // namespace

static void testLive(Check& check) {
  store.format();
  Node node(7);
  node.take(1, 1000);
  node.recorder.connected(node.nowMs);
  // Without a clock nothing goes out.
  CHECK(!node.backlog() && !node.live());
  node.clock.fromSntp(5000, node.nowMs);
  CHECK(!node.clock.known() && !node.backlog());
  node.clock.fromBroker(kWallMs, node.nowMs);
  CHECK(node.backlog() && node.last.count == 1 && node.last.first == 0 && node.last.boot == 7);
  CHECK(node.last.payload.equals("{\"node_id\":\"node_01\",\"boot\":7,\"seq\":0,\"oldest\":{\"boot\":7,\"seq\":0},\"readings\":[{\"timestamp\":"
                                 "1704844799,\"sensors\":{\"temperature\":22.5,\"humidity\":45.3},\"wifi_rssi\":-65,\"uptime\":0}]}"));
  node.take(1, 100);
  CHECK(node.live() && node.last.count == 1 && node.last.first == 1 && holds(node.last.payload, "},\"timestamp\":"));
  CHECK(!node.live());
  // Several that waited go together.
  node.take(3, 100);
  CHECK(node.live() && node.last.count == 3 && holds(node.last.payload, "\"readings\":["));
  // Faster than one a second: one batch a second.
  node.pass(2000);
  node.recorder.setIntervalMs(100);
  const uint32_t before = node.messages;
  for (int i = 0; i < 50; i++) {
    node.take(1, 100);
    while (node.live()) {
    }
  }
  CHECK(node.messages - before >= 5 && node.messages - before <= 6);
  CHECK(!holds(node.last.payload, "},\"timestamp\":"));
  node.pass(1000);
  CHECK(node.live() && !node.live());
  CHECK(node.readings == 55 && node.recorder.held() == 55);
  node.receipt(8, true, 54, 54);
  CHECK(node.recorder.held() == 55);
  node.receipt(7, true, 54, 54);
  CHECK(node.recorder.held() == 0 && node.recorder.backlog() == 0);
  CHECK(node.recorder.lastSensors(buffer, sizeof buffer) == 36 && holds(Text(buffer, 36), "{\"temperature\":22.5,\"humidity\":45.3}"));
}

static void testReceipts(Check& check) {
  store.format();
  Node node(7);
  node.knowTime();
  node.recorder.connected(node.nowMs);
  for (int i = 0; i < 10; i++) {
    node.take(1, 100);
    CHECK(node.live());
  }
  // Nothing is settled, then all but 4: from there on it goes again after 30 s, not before, and once each 30 s.
  node.receipt(7, false, 0, 0);
  CHECK(node.recorder.held() == 10);
  node.receipt(7, true, 3, 9);
  CHECK(node.recorder.held() == 6);
  uint32_t walks = 0;
  uint64_t lastMs = node.nowMs;
  for (int i = 0; i < 2000; i++) {
    node.pass(100);
    while (node.backlog()) {
      CHECK(node.nowMs - lastMs >= 30000 && node.last.first == 4 && node.last.count == 6);
      lastMs = node.nowMs;
      walks++;
    }
  }
  // The live one and two more: it had its three sends.
  CHECK(walks == 2 && node.recorder.dropped() == 0);
  // Now the manager says once more that 4 is not settled: it cannot read it.
  node.receipt(7, true, 3, 9);
  CHECK(node.recorder.dropped() == 1 && node.recorder.held() == 5);
  // Of 5 that receipt says nothing, and what the next one says first is already given up.
  node.receipt(7, true, 3, 9);
  CHECK(node.recorder.dropped() == 1);
  node.take(1, 100);
  CHECK(node.live() && holds(node.last.payload, "\"oldest\":{\"boot\":7,\"seq\":5}"));
  node.receipt(7, true, 10, 10);
  CHECK(node.recorder.held() == 0 && node.recorder.dropped() == 1);
}

static void testPoisonOverConnections(Check& check) {
  store.format();
  Node node(7);
  node.knowTime();
  node.recorder.connected(node.nowMs);
  node.take(2, 1000);
  CHECK(node.live());
  for (int i = 0; i < 2; i++) {
    node.recorder.disconnected();
    node.pass(1000);
    node.recorder.connected(node.nowMs);
    CHECK(node.backlog());
    node.receipt(7, false, 0, 1);
    CHECK(node.recorder.dropped() == 0);
  }
  node.pass(29000);
  node.receipt(7, false, 0, 1);
  CHECK(node.recorder.dropped() == 0);
  node.pass(1100);
  node.receipt(7, false, 0, 1);
  CHECK(node.recorder.dropped() == 1 && node.recorder.held() == 1);
}

static void testPuback(Check& check) {
  store.format();
  Node node(7, false);
  node.knowTime();
  node.recorder.connected(node.nowMs);
  for (int i = 0; i < 100; i++) {
    node.take(1, 1000);
    CHECK(node.live());
  }
  CHECK(node.recorder.held() == 0 && ringWrites() == 0);
  node.recorder.disconnected();
  node.take(100, 1000);
  CHECK(node.recorder.held() == 100 && node.recorder.backlog() == 100 && ringWrites() > 0);
  node.recorder.connected(node.nowMs);
  node.take(1, 100);
  // A live one that is acknowledged first is not sent again with the backlog.
  CHECK(node.live() && node.recorder.held() == 100);
  node.readings = 0;
  node.drain();
  CHECK(node.readings == 100 && node.recorder.held() == 0);
  CHECK(store.used() <= 72);
  // A receipt was the rule meanwhile; when it no longer is, what was acknowledged is free.
  node.recorder.setKeepReceipt(true);
  node.take(10, 1000);
  while (node.live()) {
  }
  node.take(1, 100);
  CHECK(node.live(false) && node.recorder.held() == 11);
  node.recorder.setKeepReceipt(false);
  CHECK(node.recorder.held() == 1);
}

static void testToFlash(Check& check) {
  store.format();
  Node node(7);
  node.knowTime();
  node.take(100, 10000);
  CHECK(ringWrites() == 100 || ringWrites() == 99);
  const uint32_t slow = ringWrites();
  // Fast ones go together: one append in five seconds.
  node.take(600, 100);
  CHECK(ringWrites() - slow <= 13);
  const size_t before = store.used();
  node.recorder.step(node.nowMs, true);
  CHECK(store.used() > before);
  CHECK(node.recorder.held() == 700);
  Node next(8);
  CHECK(next.recorder.held() == 700 && next.recorder.dropped() == 0);
  next.knowTime();
  next.recorder.connected(0);
  next.drain();
  CHECK(next.readings == 700);
  next.receipt(7, true, 699, 699);
  CHECK(next.recorder.held() == 0 && store.used() <= 72);
}

/** Two values at their widest: full swings, no two alike, a radio that jumps. */
static void testBytesOfAReading(Check& check) {
  store.format();
  Node node(7);
  node.knowTime();
  const double wide[][2] = {{21474829.99, -214748299.9}, {-21474829.99, 214748299.9}};
  for (uint32_t i = 0; i < 1000; i++) {
    node.recorder.take(wide[i % 2], true, i % 2 == 0 ? -128 : 127, node.nowMs);
    node.pass(10000);
  }
  CHECK(store.used() <= 1000 * 24);
  CHECK(8640 * 24 <= sizes::kSegments * (sizes::kSegmentBytes - 256));
}

static void testFlashThatRefuses(Check& check) {
  store.format();
  Node node(7);
  store.refuse(true);
  node.knowTime();
  node.take(80, 1000);
  // RAM alone: 64 and no more.
  CHECK(node.recorder.held() == 64 && node.recorder.dropped() == 16);
  store.refuse(false);
  node.pass(6000);
  node.take(100, 1000);
  CHECK(node.recorder.held() == 164 && node.recorder.dropped() == 16);
  node.recorder.connected(node.nowMs);
  node.drain();
  CHECK(node.readings == 164);
}

static void testDateFirstInFlash(Check& check) {
  store.format();
  Node node(7);
  node.take(10, 1000);
  store.refuse(true);
  node.recorder.connected(node.nowMs);
  node.knowTime();
  // Some stand in flash without a date: as long as flash does not take the date, nobody else hears it.
  node.pass(20000);
  node.drain();
  CHECK(node.readings == 0);
  store.refuse(false);
  node.pass(6000);
  node.drain();
  CHECK(node.readings == 10);
}

static void testUndatable(Check& check) {
  store.format();
  {
    Node node(7);
    node.take(20, 1000);
    node.recorder.step(node.nowMs, true);
  }
  Node next(8);
  CHECK(next.recorder.held() == 0 && next.recorder.droppedUndatable() == 20 && next.recorder.dropped() == 0);
  next.take(5, 1000);
  next.recorder.step(next.nowMs, true);
  Node third(9);
  CHECK(third.recorder.droppedUndatable() == 25);
  Node fourth(10);
  CHECK(fourth.recorder.droppedUndatable() == 25);
  fourth.recorder.erase();
  CHECK(fourth.recorder.droppedUndatable() == 0 && store.used() <= 72);
}

static void testOtherColumns(Check& check) {
  store.format();
  {
    Node node(7);
    node.knowTime();
    node.take(3, 1000);
    node.recorder.step(node.nowMs, true);
  }
  Node updated(8, true, 0, kOther, 1);
  updated.knowTime(kWallMs + 100000);
  updated.take(2, 6000);
  updated.recorder.connected(updated.nowMs);
  CHECK(updated.backlog() && updated.last.boot == 7 && holds(updated.last.payload, "{\"temperature\":22.5,\"humidity\":45.3}"));
  updated.pass(300);
  CHECK(updated.backlog() && updated.last.boot == 8 && holds(updated.last.payload, "{\"moisture\":23}"));
}

/** More boots wait than the table has places for. */
static void testManyBoots(Check& check) {
  store.format();
  for (uint32_t boot = 1; boot <= 50; boot++) {
    Node node(boot);
    node.knowTime(kWallMs + static_cast<int64_t>(boot) * 100000);
    node.take(3, 1000);
    node.recorder.step(node.nowMs, true);
  }
  Node node(100);
  node.knowTime(kWallMs + 10000000);
  CHECK(node.recorder.held() == 150);
  node.recorder.connected(0);
  uint32_t boot = 0;
  for (int i = 0; i < 400 && node.recorder.held() > 0; i++) {
    while (node.backlog()) {
      CHECK(node.last.boot == boot + 1 && node.last.count == 3);
      boot = node.last.boot;
      node.receipt(boot, true, 2, 2);
    }
    node.pass(100);
  }
  CHECK(boot == 50 && node.recorder.held() == 0 && node.recorder.dropped() == 0);
}

static void testSmallRing(Check& check) {
  store.format();
  Node node(7, true, 10);
  node.knowTime();
  node.take(100, 1000);
  CHECK(node.recorder.held() == 10 && node.recorder.dropped() == 90);
  node.recorder.step(node.nowMs, true);
  Node next(8, true, 10);
  CHECK(next.recorder.held() == 10 && next.recorder.dropped() == 90);
  next.knowTime(kWallMs + 1000000);
  next.recorder.connected(0);
  CHECK(next.backlog() && next.last.first == 90 && next.last.count == 10);
  CHECK(holds(next.last.payload, "\"oldest\":{\"boot\":7,\"seq\":90}"));
}

static void testClockSetBack(Check& check) {
  store.format();
  int64_t last = 0;
  Node node(7);
  node.recorder.connected(0);
  node.knowTime();
  for (int i = 0; i < 40; i++) {
    // A little back is waited for, far back is followed.
    if (i == 10) node.knowTime(kWallMs - 3000);
    if (i == 20) node.knowTime(kWallMs - 3600000);
    node.take(1, 100);
    CHECK(node.live());
    const int64_t ms = timeOf(node.last.payload);
    CHECK(ms != last && (i == 20 ? ms < last - 3000000 : ms > last));
    last = ms;
  }
}

static void testRecorder(Check& check) {
  testLive(check);
  testReceipts(check);
  testPoisonOverConnections(check);
  testPuback(check);
  testToFlash(check);
  testBytesOfAReading(check);
  testFlashThatRefuses(check);
  testDateFirstInFlash(check);
  testUndatable(check);
  testOtherColumns(check);
  testManyBoots(check);
  testSmallRing(check);
  testClockSetBack(check);
}

static const Unit unit("recorder", testRecorder);
