#include "check.h"
#include "espalier/schedule.h"

using namespace espalier;
using namespace espalier::test;

namespace {

class Slow final : public Sensor {
 public:
  explicit Slow(uint32_t lead) : lead_(lead) {}
  void begin() override {}
  [[nodiscard]] size_t channels(const Channel*& out) override {
    out = nullptr;
    return 0;
  }
  [[nodiscard]] uint32_t leadMs() override { return lead_; }
  void prepare() override { prepared++; }
  void read(double*) override {}
  uint32_t prepared = 0;

 private:
  uint32_t lead_;
};

/** Steps each millisecond until a reading is due; its time. */
uint64_t due(Schedule& schedule, uint64_t from, Schedule::Due wanted = Schedule::Due::beat) {
  for (uint64_t now = from; now < from + 200000; now++)
    if (schedule.step(now) == wanted) return now;
  return 0;
}

}  // namespace

static void beat(Check& check) {
  Slow quick(0);
  Sensor* const sensors[] = {&quick};
  Schedule schedule(sensors, 1);
  schedule.begin(10000, 123457, 500);
  // 123457 % 10000 after the start.
  CHECK(due(schedule, 500) == 3957);
  CHECK(due(schedule, 3958) == 13957);
  // A late step is late once.
  CHECK(schedule.step(23950) == Schedule::Due::nothing);
  CHECK(schedule.step(25000) == Schedule::Due::beat);
  CHECK(due(schedule, 25001) == 33957);
  // So is one that left out many.
  CHECK(schedule.step(99000) == Schedule::Due::beat);
  CHECK(schedule.step(99001) == Schedule::Due::nothing);
  CHECK(due(schedule, 99002) == 103957);
  CHECK(quick.prepared == 0);

  for (uint32_t random = 0; random < 100000; random += 7919) {
    schedule.begin(10000, random, 0);
    CHECK(due(schedule, 0) < 10000);
  }
}

static void interval(Check& check) {
  Schedule schedule(nullptr, 0);
  schedule.begin(10000, 0, 0);
  CHECK(schedule.step(0) == Schedule::Due::beat);
  schedule.setInterval(1000, 5000);
  CHECK(schedule.step(5000) == Schedule::Due::beat);
  CHECK(due(schedule, 5001) == 6000);
  schedule.setInterval(60000, 6500);
  CHECK(due(schedule, 6501) == 66000);
  schedule.setInterval(0, 66000);
  CHECK(schedule.intervalMs() == 100);
  CHECK(due(schedule, 66001) == 66100);
  schedule.setInterval(UINT32_MAX, 66100);
  CHECK(schedule.intervalMs() == 86400000);
  CHECK(schedule.step(66100 + 86399999) == Schedule::Due::nothing);
  CHECK(schedule.step(66100 + 86400000) == Schedule::Due::beat);
}

static void slow(Check& check) {
  Slow probe(750);
  Slow quick(0);
  Sensor* const sensors[] = {&probe, &quick};
  Schedule schedule(sensors, 2);
  schedule.begin(10000, 0, 0);
  CHECK(schedule.step(0) == Schedule::Due::nothing && probe.prepared == 1);
  CHECK(due(schedule, 1) == 750);
  CHECK(schedule.step(9999) == Schedule::Due::nothing && probe.prepared == 1);
  CHECK(schedule.step(10000) == Schedule::Due::nothing && probe.prepared == 2);
  CHECK(due(schedule, 10001) == 10750 && probe.prepared == 2 && quick.prepared == 0);

  // One beside the beat waits for the sensor and leaves the beat alone.
  schedule.ask(12000);
  schedule.ask(12500);
  CHECK(due(schedule, 12000, Schedule::Due::extra) == 12750 && probe.prepared == 3);
  CHECK(due(schedule, 12751) == 20750 && probe.prepared == 4);

  // It can't be quicker than its sensor.
  schedule.setInterval(100, 20750);
  CHECK(schedule.intervalMs() == 750);
  CHECK(due(schedule, 20751) == 21500);
  CHECK(due(schedule, 21501) == 22250);
}

static void testSchedule(Check& check) {
  beat(check);
  interval(check);
  slow(check);
}

static const Unit unit("schedule", testSchedule);
