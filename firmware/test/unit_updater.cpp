#include "check.h"
#include "update_desk.h"

using namespace espalier;
using namespace espalier::test;

namespace {

void testGood(Check& check) {
  lay();
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(!updater.busy() && updater.confirmed() && run(updater, 10) == Kind::none);
    CHECK(starts(updater) && updater.busy() && updater.commandId().equals("01UPDATE"));
    CHECK(run(updater) == Kind::restart && desk.progress == 2);
    CHECK(memcmp(desk.slots.other(), desk.image, kSize) == 0 && desk.http.served == kSize && desk.http.opens == 1);
    CHECK(Text(desk.http.url, desk.http.urlSize).equals(desk.order.url));
    CHECK(run(updater, 100) == Kind::none && updater.busy());
  }
  desk.slots.reset();
  CHECK(desk.slots.running().equals("app1"));
  {
    Updater updater = made(kNew);
    updater.begin(0);
    CHECK(updater.onTrial() && updater.busy() && updater.commandId().equals("01UPDATE"));
    CHECK(!starts(updater) && desk.error == CommandError::busy);
    for (int i = 0; i < 5; i++) updater.telemetryAcknowledged();
    CHECK(run(updater, 100) == Kind::none && updater.onTrial());
    updater.birthAcknowledged();
    CHECK(run(updater) == Kind::done && updater.confirmed() && !desk.slots.onTrial());
  }
  {
    // It was told, and the power went before that was written down.
    Updater updater = made(kNew);
    updater.begin(0);
    CHECK(run(updater) == Kind::done && updater.commandId().equals("01UPDATE"));
    updater.settled();
    CHECK(!updater.busy() && updater.commandId().size == 0);
  }
  Updater updater = made(kNew);
  updater.begin(0);
  CHECK(!updater.busy() && run(updater, 100) == Kind::none && store.used() == 0);
}

void testRefusals(Check& check) {
  lay();
  desk.order.url = "http://192.168.1.10/fw/x";
  CHECK(refusal(kOld) == CommandError::badParams);
  desk.order.url = "https://a/fw/x\r\nHost: b";
  CHECK(refusal(kOld) == CommandError::badParams);
  lay();
  desk.order.board = "other";
  desk.order.signatureSize = 31;
  CHECK(refusal(kOld) == CommandError::wrongBoard);
  desk.order.board = "bench";
  CHECK(refusal(kOld) == CommandError::badSignature);
  lay();
  CHECK(refusal(kOld, Span()) == CommandError::badSignature);
  constexpr uint8_t kOther[1] = {90};
  CHECK(refusal(kOld, Span(kOther, 1)) == CommandError::badSignature);
  desk.order.size++;
  CHECK(refusal(kOld) == CommandError::badSignature);
  lay();
  desk.order.version = "1.1";
  sign();
  CHECK(refusal(kOld) == CommandError::badManifest);
  lay();
  desk.order.size = 16385;
  sign();
  CHECK(refusal(kOld) == CommandError::noSpace);
  lay();
  desk.system.block = 61439;
  CHECK(refusal(kOld) == CommandError::noSpace);
  desk.system.block = 61440;
  Updater updater = made(kOld);
  updater.begin(0);
  CHECK(starts(updater));
  store.format();
  store.refuse(true);
  CHECK(!starts(updater) && desk.error == CommandError::busy);
  updater.erase();
  CHECK(!starts(updater) && desk.error == CommandError::hardware && !updater.busy());
}

void testVersions(Check& check) {
  const Build same = {"bench", "1.1.0", true, false};
  const Build newer = {"bench", "1.2.0-rc.1", false, false};
  const Build goesBack = {"bench", "1.2.0-rc.1", true, false};
  lay();
  CHECK(refusal(same) == CommandError::downgrade);
  CHECK(refusal(newer) == CommandError::downgrade);
  CHECK(refusal(goesBack) == CommandError::downgrade);
  desk.order.force = true;
  CHECK(refusal(newer) == CommandError::downgrade);
  {
    Updater updater = made(same);
    updater.begin(0);
    CHECK(starts(updater) && run(updater) == Kind::restart);
  }
  lay();
  desk.order.force = true;
  Updater updater = made(goesBack);
  updater.begin(0);
  CHECK(starts(updater) && run(updater) == Kind::restart);
}

void switchOver() {
  lay();
  Updater updater = made(kOld);
  updater.begin(0);
  (void)starts(updater);
  (void)run(updater);
  desk.slots.reset();
}

void testTrial(Check& check) {
  // Nobody acknowledges anything: back after five minutes, to the millisecond.
  switchOver();
  {
    Updater updater = made(kNew);
    updater.begin(1000);
    CHECK(updater.onTrial());
    updater.birthAcknowledged();
    updater.telemetryAcknowledged();
    updater.telemetryAcknowledged();
    CHECK(updater.step(300999, false).kind == Kind::none && desk.slots.running().equals("app1"));
    CHECK(updater.step(301000, false).kind == Kind::none && desk.slots.running().equals("app0"));
  }
  for (int boot = 0; boot < 2; boot++) {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(!updater.onTrial() && run(updater) == Kind::failed && desk.news.error == CommandError::rolledBack);
    CHECK(updater.commandId().equals("01UPDATE"));
    if (boot == 1) updater.settled();
  }
  // It may be offered again, and is better this time.
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater) && run(updater) == Kind::restart);
  }
  // Any reset takes it back.
  desk.slots.reset();
  CHECK(desk.slots.onTrial());
  desk.slots.reset();
  Updater updater = made(kOld);
  updater.begin(0);
  CHECK(run(updater) == Kind::failed && desk.news.error == CommandError::rolledBack);
}

void testAlone(Check& check) {
  const Build little = {"bench", "1.0.0", false, true};
  lay();
  desk.system.block = 50000;
  Updater updater = made(little);
  updater.begin(0);
  CHECK(starts(updater) && run(updater) == Kind::leaveBroker && run(updater, 100) == Kind::none && desk.slots.begins == 0);
  updater.brokerLeft();
  CHECK(run(updater) == Kind::failed && desk.news.error == CommandError::noSpace && desk.slots.begins == 0);
  updater.settled();
  CHECK(starts(updater) && run(updater) == Kind::leaveBroker);
  desk.system.block = 90000;
  updater.brokerLeft();
  CHECK(run(updater) == Kind::restart);
}

void testFactoryReset(Check& check) {
  switchOver();
  Updater updater = made(kNew);
  updater.begin(0);
  updater.erase();
  updater.birthAcknowledged();
  for (int i = 0; i < 3; i++) updater.telemetryAcknowledged();
  CHECK(run(updater, 100) == Kind::none && updater.confirmed() && !updater.busy());
}

void testUpdater(Check& check) {
  testGood(check);
  testRefusals(check);
  testVersions(check);
  testTrial(check);
  testAlone(check);
  testFactoryReset(check);
}

const Unit updaterUnit("updater", testUpdater);

}  // namespace
