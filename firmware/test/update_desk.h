#pragma once
#include "flash.h"
#include "update_bench.h"

/** A desk with one board on it, for the units of the update machine. */
namespace espalier {
namespace test {

using contract::CommandError;
using Kind = UpdateNews::Kind;

constexpr size_t kSize = 10000;
constexpr uint8_t kKey[1] = {91};
inline const Build kOld = {"bench", "1.0.0", false, false};
inline const Build kNew = {"bench", "1.1.0", false, false};

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

inline FaultyStore store;
inline Desk desk;

inline void sign() {
  char text[256];
  const size_t size = desk.order.manifest(text, sizeof text);
  desk.crypto.sha256Begin();
  desk.crypto.sha256Add(Span(reinterpret_cast<const uint8_t*>(text), size));
  desk.crypto.sha256End(desk.order.signature);
  for (size_t i = 0; i < 32; i++) desk.order.signature[i] = static_cast<uint8_t>(desk.order.signature[i] + kKey[0]);
  desk.order.signatureSize = 32;
}

/** Everything as new, and an image of 1.1.0 that is offered. */
inline void lay() {
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

inline bool starts(Updater& updater, Span key = Span(kKey, sizeof kKey)) {
  Command command;
  desk.error = CommandError::unknownCommand;
  return desk.order.write(command) && updater.start(command, key, desk.error, desk.message, sizeof desk.message);
}

/** Steps until there are news, at 10 ms a step. */
inline Kind run(Updater& updater, uint32_t steps = 400000) {
  for (; steps > 0; steps--) {
    desk.nowMs += 10;
    desk.news = updater.step(desk.nowMs, true);
    if (desk.news.kind == Kind::progress) desk.progress++;
    if (desk.news.kind != Kind::none && desk.news.kind != Kind::progress) return desk.news.kind;
  }
  return Kind::none;
}

inline Updater made(const Build& build) { return Updater(store, desk.slots, desk.http, desk.crypto, desk.system, build); }

/** How an update that is taken ends. */
inline CommandError failure(const Build& build = kOld) {
  Updater updater = made(build);
  updater.begin(desk.nowMs);
  if (!starts(updater) || run(updater) != Kind::failed) return CommandError::unknownCommand;
  return desk.news.error;
}

/** What is said to an order that is not taken, when nothing was touched. */
inline CommandError refusal(const Build& build, Span key = Span(kKey, sizeof kKey)) {
  const uint32_t begins = desk.slots.begins;
  const uint32_t changes = store.changes();
  Updater updater = made(build);
  updater.begin(desk.nowMs);
  const bool refused = !starts(updater, key) && !updater.busy();
  return refused && desk.slots.begins == begins && store.changes() == changes ? desk.error : CommandError::unknownCommand;
}

}  // namespace test
}  // namespace espalier
