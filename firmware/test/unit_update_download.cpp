#include "check.h"
#include "update_desk.h"

using namespace espalier;
using namespace espalier::test;

namespace {

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

void testUpdateDownload(Check& check) {
  testDownload(check);
  testImages(check);
  testReset(check);
}

const Unit updateDownloadUnit("update download", testUpdateDownload);

}  // namespace
