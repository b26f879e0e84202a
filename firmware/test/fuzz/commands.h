#pragma once
#include "../command_bench.h"
#include "harness.h"

/** A node's commands under an input that plays the broker, the clock, whoever executes, and the power: for the harnesses of the dispatcher
 *  and of its memory. */
namespace espalier {
namespace fuzz {

using namespace espalier::test;

/** An ack that was handed over, as the contract has it. */
struct Heard {
  Json ack;
  ShortText id;
  contract::AckState state = contract::AckState::accepted;
};

inline contract::AckState stateOf(Json state) {
  for (size_t i = 0; i < contract::kAckStates; i++)
    if (state.says(contract::kAckStateNames[i])) return static_cast<contract::AckState>(i);
  must(false);
  return contract::AckState::accepted;
}

inline void readShort(Json from, ShortText& out) {
  must(from.is(JsonKind::string) && from.characters() >= 1 && from.characters() <= 64);
  const size_t size = from.string(out.bytes, sizeof out.bytes);
  must(size <= sizeof out.bytes);
  out.size = static_cast<uint8_t>(size);
}

/** The ack in this text, held against the contract. `worded`: flash kept what there was to say of an error. */
inline Heard readAck(Text payload, bool worded) {
  Heard heard;
  must(readObject(payload, contract::kAckBytes, heard.ack) == JsonFault::none);
  must(heard.ack.member("node_id").says("node_n1"));
  ShortText name;
  readShort(heard.ack.member("command"), name);
  if (!heard.ack.member("id").is(JsonKind::absent)) readShort(heard.ack.member("id"), heard.id);
  heard.state = stateOf(heard.ack.member("state"));
  const bool bad = isFinal(heard.state) && heard.state != contract::AckState::done;
  const Json error = heard.ack.member("error");
  must(error.is(bad ? JsonKind::object : JsonKind::absent));
  must(!bad || (error.member("code").is(JsonKind::string) && (!worded || error.member("message").is(JsonKind::string))));
  must(heard.state == contract::AckState::done || heard.ack.member("result").is(JsonKind::absent));
  return heard;
}

/** What the node may forget, and what it may not. An id that ran does not run again while fewer than 32 others may have got a place since,
 *  those that still hold one taken away; and what it ended as, it stays. */
class Ledger {
 public:
  struct Entry {
    ShortText id;
    bool ran = false;
    bool told = false;
    contract::AckState end = contract::AckState::accepted;
    /** How many may have got a place before it did. */
    uint32_t at = 0;
  };
  void clear() {
    count_ = 0;
    given_ = 0;
  }
  /** This id comes. `held`: places that are not given away. */
  void come(Text id, size_t held) {
    if (id.size == 0) return;
    const Entry* known = find(id);
    if (known == nullptr) {
      Entry& fresh = count_ < kEntries ? entries_[count_++] : oldest();
      fresh = Entry();
      memcpy(fresh.id.bytes, id.data, id.size);
      fresh.id.size = static_cast<uint8_t>(id.size);
      fresh.at = given_;
    }
    if (known == nullptr || !known->ran || old(*known, held)) given_++;
  }
  /** So many places that were held may be given away from now on. */
  void pass(size_t held) { given_ += static_cast<uint32_t>(held); }
  void ran(Entry& entry) {
    entry.ran = true;
    entry.told = false;
    entry.at = given_;
  }
  Entry* find(Text id) {
    for (size_t i = 0; i < count_; i++)
      if (entries_[i].id.text().equals(id)) return &entries_[i];
    return nullptr;
  }
  /** It may be forgotten by now. */
  [[nodiscard]] bool old(const Entry& entry, size_t held) const { return given_ - entry.at + held >= CommandMemory::kPlaces; }

 private:
  static constexpr size_t kEntries = 64;
  Entry& oldest() {
    size_t least = 0;
    for (size_t i = 1; i < kEntries; i++)
      if (entries_[i].at < entries_[least].at) least = i;
    return entries_[least];
  }
  Entry entries_[kEntries];
  size_t count_ = 0;
  uint32_t given_ = 0;
};

/** A node whose life the input is. What must hold, it holds. */
class Life final : public System {
 public:
  /** What stands in flash when it begins: nothing, anything, records that were never written so. */
  enum class Before : uint8_t { nothing, anything, mended };
  void live(Input& input, Before before) {
    before_ = before;
    refused_ = false;
    held_ = updates_ = 0;
    nowMs_ = 0;
    boot_ = 0;
    ledger_.clear();
    start();
    // Enough for more ids than are remembered, with what is said to each.
    for (size_t turns = 0; turns < 160 && !input.empty(); turns++) {
      turn(input);
      if (flash.off()) start();
    }
    flash.powerUp();
    flash.refuse(false);
    start();
    // What is due comes to an end.
    size_t acks = 0;
    while (hear()) must(++acks <= 128);
  }

  CommandFlash flash;

  [[nodiscard]] uint32_t random() override { return 4; }
  void restart() override {}
  [[nodiscard]] Text resetReason() override { return "other"; }
  [[nodiscard]] uint32_t freeHeap() override { return 0; }
  [[nodiscard]] uint32_t largestFreeBlock() override { return 0; }
  void log(Text line) override { must(line.size > 0); }
  void executing(Text id, Text name, Text params, uint32_t boot) override {
    must(mayRun_ && boot == boot_ && name.size > 0 && params.size >= 2);
    mayRun_ = false;
    if (id.size == 0) return;
    must(!flash.off());
    Ledger::Entry* entry = ledger_.find(id);
    must(entry != nullptr && (!entry->ran || ledger_.old(*entry, held_ + updates_)));
    ledger_.ran(*entry);
  }

 private:
  /** What commands do, as `Hands` has it; counts those that go on. */
  class Counting final : public Executor {
   public:
    explicit Counting(Life& life) : life_(life) {}
    [[nodiscard]] bool refuses(contract::Builtin builtin, const Command& command, uint64_t nowMs, Effect& why) override {
      return hands_.refuses(builtin, command, nowMs, why);
    }
    void execute(contract::Builtin builtin, const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect) override {
      must(effect.result[0] == '\0' && effect.message[0] == '\0' && effect.outcome == Outcome::done);
      hands_.execute(builtin, command, ticket, nowMs, effect);
      life_.ticket_ = ticket;
      if (builtin == contract::Builtin::updateFirmware) life_.updates_++;
      else if (effect.outcome != Outcome::done && effect.outcome != Outcome::failed) life_.held_++;
    }
    [[nodiscard]] bool owns(Text name) override { return hands_.owns(name); }
    [[nodiscard]] Text ownNames() override { return hands_.ownNames(); }

   private:
    Hands hands_;
    Life& life_;
  };

  void start() {
    if (flash.off()) flash.powerUp();
    ledger_.pass(held_);
    held_ = 0;
    boot_++;
    dispatcher_.begin(boot_);
    Ticket ticket = 0;
    if (dispatcher_.pendingUpdate(ticket)) ticket_ = ticket;
    dispatcher_.connected();
  }

  void turn(Input& input) {
    const uint8_t what = input.byte();
    switch (what % 10) {
      case 0: return receive(input.text(input.two() % 1024), what);
      case 1:
      case 2:
      case 3: return kept(input, what);
      case 4: return (void)hear();
      case 5: return dispatcher_.delivered(token_);
      case 6:
        nowMs_ += uint64_t{input.byte()} * 100;
        return dispatcher_.step(nowMs_);
      case 7: return line(input.byte());
      case 8: return power(input);
      default: return end(input.byte());
    }
  }

  /** Any payload, with any flags. */
  void receive(Text payload, uint8_t flags) {
    const Dispatcher::Arrival arrival = {(flags & 0x80) != 0, (flags & 0x40) != 0, (flags & 0x20) != 0 ? 1704844800000 : 0, nowMs_};
    Command command;
    const bool good = readCommand(payload, command);
    if (good && !arrival.retained) ledger_.come(command.id.text(), held_ + updates_);
    mayRun_ = good && !arrival.retained && (command.id.size > 0 || !arrival.duplicate);
    if (good && command.hasExpires && arrival.unixMs > 0 && command.expires < 1704844800.0) mayRun_ = false;
    dispatcher_.receive(payload, arrival);
    mayRun_ = false;
  }

  /** One that a manager would send: few ids, every builtin. */
  void kept(Input& input, uint8_t flags) {
    constexpr Text kBodies[] = {"ping",     "identify", "pulse_output", "set_output", "read_now", "get_status",
                                "reboot",   "update_firmware", "blink", "nope",       "set_led",  "configure"};
    constexpr Text kParams[] = {"", R"(,"params":{"seconds":5})", R"(,"params":{"name":"relay","ms":9})", R"(,"params":{"name":"relay","value":1})",
                                "", "", "",
                                R"(,"params":{"url":"https://h/i","size":65536,"version":"1.0.0","board":"b","sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"MAYCAQECAQE="})",
                                "", "", R"(,"params":{"state":"on"})", R"(,"params":{"rev":1})"};
    const uint8_t number = input.byte();
    const size_t kind = input.byte();
    const CommandText text(number % 48, kBodies[kind % 12], kParams[kind % 12]);
    receive(text.text(), flags & 0xC0);
  }

  bool hear() {
    size_t size = 0;
    if (!dispatcher_.nextAck("n1", 1704844800000, out_, sizeof out_, size, token_)) return false;
    must(size > 0 && size <= sizeof out_);
    dispatcher_.sent(token_);
    // What stood there before may have a right CRC, which the fuzzer finds by itself, and senseless texts.
    if (before_ != Before::nothing) return true;
    const Heard heard = readAck(Text(out_, size), !refused_);
    Ledger::Entry* entry = ledger_.find(heard.id.text());
    if (entry == nullptr || refused_) return true;
    const bool done = heard.state == contract::AckState::done;
    // One that ends over a reboot was done, however the node came to it.
    must(!done || entry->ran || heard.ack.member("command").says("reboot") || heard.ack.member("command").says("update_firmware"));
    if (!done && heard.state != contract::AckState::failed) return true;
    must(!entry->told || entry->end == heard.state);
    entry->told = true;
    entry->end = heard.state;
    return true;
  }

  void line(uint8_t how) {
    if (how % 2 == 0) dispatcher_.disconnected();
    else dispatcher_.connected();
  }

  void power(Input& input) {
    const uint8_t how = input.byte();
    if (how % 4 == 0) return start();
    if (how % 4 == 1) return flash.cutAt(1 + input.byte() % 16, kCuts[how / 4 % 6]);
    const bool refuses = how % 4 == 2;
    refused_ = refused_ || refuses;
    flash.refuse(refuses);
  }

  void end(uint8_t how) {
    if (how % 4 == 0) return dispatcher_.progress(ticket_, how % 101);
    static Effect effect;
    effect.clear();
    if (how % 4 == 1) effect.fail(contract::CommandError::hardware, "it sticks");
    if (how % 4 == 2) memset(effect.result, '7', sizeof effect.result - 1);
    dispatcher_.finish(how < 128 ? ticket_ : static_cast<Ticket>(how), effect);
  }

  Counting hands_{*this};
  Dispatcher dispatcher_{flash, *this, hands_};
  Ledger ledger_;
  char out_[contract::kAckBytes];
  uint64_t nowMs_ = 0;
  uint32_t boot_ = 0;
  uint32_t token_ = 0;
  size_t held_ = 0;
  size_t updates_ = 0;
  Ticket ticket_ = 0;
  Before before_ = Before::nothing;
  bool refused_ = false;
  bool mayRun_ = false;
};

}  // namespace fuzz
}  // namespace espalier
