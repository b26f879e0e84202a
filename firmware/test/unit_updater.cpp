#include "check.h"
#include "flash.h"
#include "update_bench.h"

using namespace espalier;
using namespace espalier::test;
using contract::CommandError;
using Kind = UpdateNews::Kind;

namespace {

constexpr size_t kSize = 10000;
constexpr uint8_t kKey[1] = {91};
const Build kOld = {"bench", "1.0.0", false, false};
const Build kNew = {"bench", "1.1.0", false, false};

/** A board on a desk: what outlives a reset, and what the world does. */
struct Desk {
  MemorySlots<16384> slots;
  ServedHttp http;
  PlainCrypto crypto;
  StillSystem system;
  uint8_t image[kSize];
  Order order;
  char message[sizes::kAckMessageBytes];
  CommandError error = CommandError::unknownCommand;
  /** Of the last run(). */
  UpdateNews news;
  uint32_t progress = 0;
  uint64_t nowMs = 0;
};

FaultyStore store;
Desk desk;

void sign() {
  char text[256];
  const size_t size = desk.order.manifest(text, sizeof text);
  desk.crypto.sha256Begin();
  desk.crypto.sha256Add(Span(reinterpret_cast<const uint8_t*>(text), size));
  desk.crypto.sha256End(desk.order.signature);
  for (size_t i = 0; i < 32; i++) desk.order.signature[i] = static_cast<uint8_t>(desk.order.signature[i] + kKey[0]);
  desk.order.signatureSize = 32;
}

/** Everything as new, and an image of 1.1.0 that is offered. */
void lay() {
  store.format();
  desk = Desk();
  makeImage(desk.image, kSize, "bench", "1.1.0", 1);
  desk.http.image = Span(desk.image, kSize);
  desk.order.size = kSize;
  desk.crypto.sha256Begin();
  desk.crypto.sha256Add(desk.http.image);
  desk.crypto.sha256End(desk.order.sha256);
  sign();
}

bool starts(Updater& updater, Span key = Span(kKey, sizeof kKey)) {
  Command command;
  desk.error = CommandError::unknownCommand;
  return desk.order.write(command) && updater.start(command, key, desk.error, desk.message, sizeof desk.message);
}

/** Steps until there are news, at 10 ms a step. */
Kind run(Updater& updater, uint32_t steps = 400000) {
  for (; steps > 0; steps--) {
    desk.nowMs += 10;
    desk.news = updater.step(desk.nowMs, true);
    if (desk.news.kind == Kind::progress) desk.progress++;
    if (desk.news.kind != Kind::none && desk.news.kind != Kind::progress) return desk.news.kind;
  }
  return Kind::none;
}

Updater made(const Build& build) { return Updater(store, desk.slots, desk.http, desk.crypto, desk.system, build); }

/** How an update that is taken ends. */
CommandError failure(const Build& build = kOld) {
  Updater updater = made(build);
  updater.begin(desk.nowMs);
  if (!starts(updater) || run(updater) != Kind::failed) return CommandError::unknownCommand;
  return desk.news.error;
}

CommandError refusal(const Build& build, Span key = Span(kKey, sizeof kKey)) {
  const uint32_t begins = desk.slots.begins;
  const uint32_t changes = store.changes();
  Updater updater = made(build);
  updater.begin(desk.nowMs);
  if (starts(updater, key) || updater.busy() || desk.slots.begins != begins || store.changes() != changes) return CommandError::unknownCommand;
  return desk.error;
}

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

void testDownload(Check& check) {
  lay();
  desk.http.image = Span(desk.image, kSize - 1);
  CHECK(failure() == CommandError::truncated);
  lay();
  desk.image[5000] ^= 1;
  CHECK(failure() == CommandError::badHash);
  lay();
  desk.http.answers = 404;
  CHECK(failure() == CommandError::downloadFailed && desk.http.opens == 5);
  lay();
  desk.http.answers = 302;
  CHECK(failure() == CommandError::downloadFailed && desk.http.opens == 5);
  lay();
  desk.http.answers = 503;
  CHECK(failure() == CommandError::downloadFailed && desk.http.opens == 30);
  lay();
  desk.http.unreachable = true;
  CHECK(failure() == CommandError::downloadFailed && desk.http.opens == 30 && desk.nowMs > 300000 && desk.nowMs < 3600000);
  lay();
  desk.http.silent = true;
  CHECK(failure() == CommandError::downloadFailed && desk.nowMs <= 3600010);
  lay();
  desk.slots.unwritable = true;
  CHECK(failure() == CommandError::hardware);

  // A line that breaks goes on at the very byte.
  lay();
  desk.http.breaks = 25;
  desk.http.breaksAfter = 300;
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater) && run(updater) == Kind::restart && desk.http.served == kSize && desk.http.opens == 26);
  }
  // A server without ranges, and one that takes offence at them.
  for (int server = 0; server < 2; server++) {
    const bool refuses = server == 1;
    lay();
    desk.http.breaks = 1;
    desk.http.breaksAfter = 6000;
    desk.http.ignoresRange = !refuses;
    desk.http.refusesRange = refuses;
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater) && run(updater) == Kind::restart && memcmp(desk.slots.other(), desk.image, kSize) == 0);
    CHECK(desk.http.served == kSize + 6000);
  }
}

void testImages(Check& check) {
  const Text boards[] = {"bench", "other"};
  const Text versions[] = {"1.1.1", "1.1.0"};
  for (size_t i = 0; i < 2; i++) {
    lay();
    makeImage(desk.image, kSize, boards[i], versions[i], 3);
    desk.crypto.sha256Begin();
    desk.crypto.sha256Add(desk.http.image);
    desk.crypto.sha256End(desk.order.sha256);
    sign();
    CHECK(failure() == CommandError::badManifest);
  }
  lay();
  const ImageMarker marker = imageMarker("bench", "1.1.0");
  for (size_t piece = 1; piece < 200; piece += 7) {
    MarkerSearch search;
    for (size_t at = 0; at < kSize; at += piece) search.add(desk.image + at, piece < kSize - at ? piece : kSize - at);
    CHECK(search.found() && memcmp(&search.marker(), &marker, sizeof marker) == 0);
  }
  // The same once more changes nothing; another one makes it nothing.
  MarkerSearch search;
  const ImageMarker other = imageMarker("bench", "1.1.1");
  search.add(reinterpret_cast<const uint8_t*>(&marker), sizeof marker);
  search.add(reinterpret_cast<const uint8_t*>(&marker), sizeof marker);
  CHECK(search.found());
  search.add(reinterpret_cast<const uint8_t*>(&other), sizeof other);
  CHECK(!search.found());
}

void testReset(Check& check) {
  // After a reset the last whole sector counts, and no byte more is fetched than one sector.
  lay();
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater));
    desk.http.breaks = 1;
    desk.http.breaksAfter = 8000;
    (void)run(updater, 20);
  }
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(updater.busy() && updater.commandId().equals("01UPDATE"));
    CHECK(run(updater) == Kind::restart && desk.http.lastOffset == 4096 && desk.http.served == 8000 + kSize - 4096);
  }
  // The flash changed while the power was away: found out.
  lay();
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater));
    desk.http.breaks = 1;
    desk.http.breaksAfter = 8000;
    (void)run(updater, 20);
  }
  desk.slots.other()[100] ^= 4;
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(run(updater) == Kind::failed && desk.news.error == CommandError::badHash);
  }
  // A board that gets no further is left alone in the end.
  lay();
  {
    Updater updater = made(kOld);
    updater.begin(0);
    CHECK(starts(updater));
  }
  uint32_t boots = 0;
  for (bool over = false; !over && boots < 1000; boots++) {
    Updater updater = made(kOld);
    updater.begin(0);
    desk.http.unreachable = true;
    over = run(updater, 10) == Kind::failed;
  }
  CHECK(boots == 51 && desk.news.error == CommandError::downloadFailed);
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
  testDownload(check);
  testImages(check);
  testReset(check);
  testTrial(check);
  testAlone(check);
  testFactoryReset(check);
}

const Unit updaterUnit("updater", testUpdater);

}  // namespace
