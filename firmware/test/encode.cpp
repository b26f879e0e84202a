#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <deque>
#include <memory>
#include <string>

#include "espalier/recorder.h"
#include "flash.h"

/** Lives that another program thinks out, and every message of telemetry they made. A line: `life ID ROOM INTERVAL COLUMNS` begins one,
 *  `column NAME DECIMALS`, `boot ID`, `clock UNIXMS` (0: nobody tells the time from the next boot on), `take WAIT RSSI VALUE…`, `connect`, `disconnect`,
 *  `drain`. `done` answers with a line: the messages in hexadecimal. */
using namespace espalier;
using namespace espalier::test;

namespace {

FaultyStore store;
char buffer[65536];

struct Life {
  std::string id;
  size_t room = 0;
  uint32_t interval = 0;
  std::deque<std::string> names;
  Channel channels[sizes::kChannels];
  size_t channelCount = 0;
  uint64_t nowMs = 0;
  uint64_t bootMs = 0;
  int64_t unixMs = 0;
  uint64_t unixAtMs = 0;
  std::unique_ptr<WallClock> clock;
  std::unique_ptr<Recorder> recorder;
  std::string out;

  [[nodiscard]] uint64_t mono() const { return nowMs - bootMs; }

  void boot(uint32_t name) {
    if (recorder) recorder->step(mono(), true);
    bootMs = nowMs;
    recorder.reset();
    clock = std::make_unique<WallClock>();
    recorder = std::make_unique<Recorder>(store, *clock);
    Recorder::Options options;
    options.id = Text(id.data(), id.size());
    options.channels = channels;
    options.channelCount = channelCount;
    options.keepReceipt = true;
    recorder->begin(options, name, 0);
    recorder->setIntervalMs(interval);
  }

  void step() {
    if (unixMs != 0) clock->fromSntp(unixMs + static_cast<int64_t>(nowMs - unixAtMs), mono());
    recorder->step(mono());
  }

  bool say(const Outgoing& message) {
    if (message.count == 0) return false;
    for (size_t i = 0; i < message.payload.size; i++) {
      char hex[3];
      snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<uint8_t>(message.payload.data[i])));
      out += hex;
    }
    out += ' ';
    recorder->sent(message, mono());
    recorder->acknowledged(message);
    return true;
  }

  void send() {
    while (say(recorder->nextLive(mono(), buffer, room)) || say(recorder->nextBacklog(mono(), buffer, room))) {
    }
  }

  void wait(uint64_t ms) {
    for (const uint64_t end = nowMs + ms; nowMs < end;) {
      nowMs += end - nowMs < 250 ? end - nowMs : 250;
      step();
      send();
    }
  }
};

}  // namespace

int main() {
  std::unique_ptr<Life> life;
  char word[64];
  while (scanf("%63s", word) == 1) {
    const std::string what = word;
    if (what == "life") {
      char id[64];
      life = std::make_unique<Life>();
      store.format();
      if (scanf("%63s %zu %" SCNu32, id, &life->room, &life->interval) != 3) return 2;
      life->id = id;
    } else if (what == "column") {
      char name[64];
      unsigned decimals = 0;
      if (scanf("%63s %u", name, &decimals) != 2) return 2;
      life->names.emplace_back(name);
      Channel& channel = life->channels[life->channelCount++];
      channel.name = Text(life->names.back().data(), life->names.back().size());
      channel.decimals = static_cast<uint8_t>(decimals);
    } else if (what == "boot") {
      uint32_t name = 0;
      if (scanf("%" SCNu32, &name) != 1) return 2;
      life->boot(name);
    } else if (what == "clock") {
      if (scanf("%" SCNd64, &life->unixMs) != 1) return 2;
      life->unixAtMs = life->nowMs;
      life->step();
    } else if (what == "take") {
      uint64_t ms = 0;
      int rssi = 0;
      if (scanf("%" SCNu64 " %d", &ms, &rssi) != 2) return 2;
      life->wait(ms);
      double values[sizes::kChannels] = {};
      for (size_t i = 0; i < life->channelCount; i++) {
        if (scanf("%lf", &values[i]) != 1) return 2;
      }
      life->recorder->take(values, rssi != 0, static_cast<int8_t>(rssi), life->mono());
      life->step();
      life->send();
    } else if (what == "connect") {
      life->recorder->connected(life->mono());
    } else if (what == "disconnect") {
      life->recorder->disconnected();
    } else if (what == "drain") {
      life->wait(60000);
    } else if (what == "done") {
      printf("%s\n", life->out.c_str());
      fflush(stdout);
    }
  }
  return 0;
}
