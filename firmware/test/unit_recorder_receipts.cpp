#include "check.h"
#include "ring_node.h"

using namespace espalier;
using namespace espalier::test;

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

static void testRecorderReceipts(Check& check) {
  testReceipts(check);
  testPoisonOverConnections(check);
  testPuback(check);
}

static const Unit unit("recorder_receipts", testRecorderReceipts);
