#include "check.h"
#include "ring_node.h"

using namespace espalier;
using namespace espalier::test;

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

/** A disk that is fuller than the ring was made for: the oldest segment makes room. */
static void testFullDisk(Check& check) {
  store.format();
  SmallDisk disk(20000);
  Node node(7, true, 0, kChannels, 2, disk);
  node.knowTime();
  node.take(4000, 1000);
  CHECK(node.recorder.held() + node.recorder.dropped() == 4000);
  CHECK(node.recorder.held() > 800 && node.recorder.held() < 2500);
  // The newest are kept, and all that are held come.
  node.recorder.connected(node.nowMs);
  const uint32_t held = node.recorder.held();
  node.drain();
  CHECK(node.readings == held && node.last.first + node.last.count == 4000);
}

/** Flash that forgot a bit: what is sent is as it was taken, or is not sent. */
static void testRot(Check& check) {
  store.format();
  {
    Node node(7);
    node.knowTime();
    node.take(12, 1000);
    node.recorder.step(node.nowMs, true);
  }
  size_t size = 0;
  const uint8_t* bytes = store.bytes("ring.02", size);
  uint8_t good[512];
  CHECK(bytes != nullptr && size > 100 && size < sizeof good);
  memcpy(good, bytes, size);
  uint32_t whole = 0;
  for (size_t i = 0; i < size; i++) {
    CHECK(store.write("ring.02", Span(good, size)));
    size_t again = 0;
    store.bytes("ring.02", again)[i] ^= static_cast<uint8_t>(1U << (i % 8));
    Node node(8);
    node.recorder.connected(0);
    node.knowTime();
    while (node.backlog()) {
      uint32_t right = 0;
      for (size_t at = 0; at < node.last.payload.size; at++) {
        constexpr char kSensors[] = "\"sensors\":{\"temperature\":22.5,\"humidity\":45.3},\"wifi_rssi\":-65";
        if (node.last.payload.size - at >= sizeof kSensors && memcmp(node.last.payload.data + at, kSensors, sizeof kSensors - 1) == 0) {
          right++;
        }
      }
      CHECK(right == node.last.count && node.last.boot == 7 && node.last.first + node.last.count <= 12);
      node.pass(300);
    }
    if (node.readings == 12) whole++;
  }
  CHECK(whole == 0);
}

static void testRecorderFlash(Check& check) {
  testToFlash(check);
  testBytesOfAReading(check);
  testFlashThatRefuses(check);
  testFullDisk(check);
  testRot(check);
}

static const Unit unit("recorder_flash", testRecorderFlash);
