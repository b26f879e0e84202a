#include "check.h"
#include "espalier/wall_clock.h"

using namespace espalier;

constexpr int64_t kWallMs = 1704844800000;

static void testWallClock(espalier::test::Check& check) {
  WallClock clock;
  int64_t unixMs = 0;
  CHECK(!clock.known() && !clock.at(0, unixMs));
  // A chip that has not been told yet says 1970, and milliseconds for seconds are no time either.
  clock.fromSntp(5000, 5000);
  clock.fromBroker(1577836799000, 0);
  clock.fromBroker(1577836800000, 1000);
  clock.fromSntp(100000000000000, 0);
  CHECK(!clock.known());
  clock.fromBroker(kWallMs, 5000);
  CHECK(clock.known() && clock.at(5000, unixMs) && unixMs == kWallMs);
  CHECK(clock.at(0, unixMs) && unixMs == kWallMs - 5000);
  // The first sample of the broker counts, SNTP overrides, the broker never does again.
  clock.fromBroker(kWallMs + 9000, 6000);
  CHECK(clock.at(6000, unixMs) && unixMs == kWallMs + 1000);
  clock.fromSntp(kWallMs + 2500, 6000);
  clock.fromBroker(kWallMs + 9000, 7000);
  CHECK(clock.at(6000, unixMs) && unixMs == kWallMs + 2500);
  CHECK(!clock.at(UINT64_MAX, unixMs));
}

static const espalier::test::Unit unit("wall_clock", testWallClock);
