#include "check.h"
#include "espalier/connection.h"

using espalier::Connection;
using espalier::MqttEventKind;
using Do = espalier::Connection::Do;
using Phase = espalier::Connection::Phase;

namespace {

constexpr Connection::Surroundings kAllThere = {true, true};

/** Steps until something is to be done; the time it came, or 0 after ten minutes. */
uint64_t nextConnect(Connection& connection, uint64_t& nowMs) {
  for (int i = 0; i < 6000; i++, nowMs += 100)
    if (connection.step(kAllThere, nowMs) == Do::connect) return nowMs;
  return 0;
}

void theWayThere(espalier::test::Check& check) {
  Connection connection;
  connection.begin(7, 0);
  CHECK(connection.step(kAllThere, 0) == Do::nothing);
  CHECK(connection.phase() == Phase::boot);
  connection.go(100, true);
  CHECK(connection.step({false, false}, 100) == Do::join);
  CHECK(connection.step({false, false}, 200) == Do::nothing);
  CHECK(connection.step({true, false}, 300) == Do::nothing);
  CHECK(connection.phase() == Phase::time);
  // No clock: it goes on after a little.
  CHECK(connection.step({true, false}, 300 + Connection::kTimeMs) == Do::nothing);
  CHECK(connection.phase() == Phase::pause);
  CHECK(connection.step({true, false}, 2400) == Do::connect);
  CHECK(connection.hear(MqttEventKind::subscribed, 2410) == Do::nothing);
  CHECK(connection.hear(MqttEventKind::connected, 2420) == Do::subscribe);
  CHECK(connection.hear(MqttEventKind::subscribed, 2430) == Do::birth);
  CHECK(connection.running());
  // The network goes: the line is dropped, the network joined anew when it stays away.
  CHECK(connection.step({false, true}, 3000) == Do::abort);
  CHECK(connection.phase() == Phase::network);
  CHECK(connection.step({false, true}, 3100) == Do::nothing);
  CHECK(connection.step({false, true}, 3100 + Connection::kJoinMs) == Do::join);
}

void neverFasterThanOneASecond(espalier::test::Check& check) {
  for (uint32_t seed = 1; seed <= 40; seed++) {
    Connection connection;
    connection.begin(seed * 2654435761U, 0);
    connection.go(0, true);
    uint64_t nowMs = 0;
    uint64_t before = nextConnect(connection, nowMs);
    uint64_t longest = 0;
    for (int i = 0; i < 30; i++) {
      // Whatever ends it, and however soon: refused, gone, or a way through that is cut at once.
      const int kind = i % 3;
      if (kind == 2) {
        (void)connection.hear(MqttEventKind::connected, nowMs);
        (void)connection.hear(MqttEventKind::subscribed, nowMs);
        connection.proved();
      }
      (void)connection.hear(kind == 0 ? MqttEventKind::refused : MqttEventKind::disconnected, nowMs);
      const uint64_t at = nextConnect(connection, nowMs);
      CHECK(at >= before + Connection::kFloorMs);
      CHECK(at <= before + Connection::kCeilingMs + 200);
      if (at - before > longest) longest = at - before;
      before = at;
    }
  }
}

void pausesGrowAndDiffer(espalier::test::Check& check) {
  uint64_t sums[2] = {};
  for (uint32_t seed = 0; seed < 2; seed++) {
    Connection connection;
    connection.begin(seed + 11, 0);
    connection.go(0, true);
    uint64_t nowMs = 0;
    uint64_t before = nextConnect(connection, nowMs);
    for (int i = 0; i < 40; i++) {
      (void)connection.hear(MqttEventKind::disconnected, nowMs);
      const uint64_t at = nextConnect(connection, nowMs);
      sums[seed] += at - before;
      before = at;
    }
    // Full jitter up to 30 s: some 15 s in the middle once it has grown.
    CHECK(sums[seed] > 40 * 8000U);
    CHECK(sums[seed] < 40 * 22000U);
  }
  CHECK(sums[0] != sums[1]);
}

void nobodyAnswers(espalier::test::Check& check) {
  Connection connection;
  connection.begin(3, 0);
  connection.go(0, true);
  uint64_t nowMs = 0;
  (void)nextConnect(connection, nowMs);
  CHECK(connection.step(kAllThere, nowMs + Connection::kAnswerMs) == Do::nothing);
  CHECK(connection.step(kAllThere, nowMs + Connection::kAnswerMs + 1) == Do::abort);
  CHECK(connection.phase() == Phase::pause);
  connection.rest();
  CHECK(connection.step(kAllThere, nowMs + 1000000) == Do::nothing);
  // Sent away and back within a second: not before the second is over.
  connection.go(nowMs + 1000000, false);
  CHECK(nextConnect(connection, nowMs) > 0);
}

void testConnection(espalier::test::Check& check) {
  theWayThere(check);
  neverFasterThanOneASecond(check);
  pausesGrowAndDiffer(check);
  nobodyAnswers(check);
}

const espalier::test::Unit unit("connection", testConnection);

}  // namespace
