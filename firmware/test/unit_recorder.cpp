#include "check.h"
#include "ring_node.h"

using namespace espalier;
using namespace espalier::test;

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

static void testRecorder(Check& check) {
  testLive(check);
  testDateFirstInFlash(check);
  testUndatable(check);
  testClockSetBack(check);
  testSmallRing(check);
  testOtherColumns(check);
  testManyBoots(check);
}

static const Unit unit("recorder", testRecorder);
