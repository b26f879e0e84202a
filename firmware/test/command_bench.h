#pragma once
#include "espalier/dispatcher.h"
#include "flash.h"

namespace espalier {
namespace test {

/** Two files of commands and nothing else. */
using CommandFlash = FaultyStoreOf<3, 24576>;

/** Counts every execution by the number at the end of its id: t0, t1, … */
class Witness final : public System {
 public:
  static constexpr size_t kIds = 256;
  [[nodiscard]] uint32_t random() override { return 4; }
  void restart() override {}
  [[nodiscard]] Text resetReason() override { return "other"; }
  [[nodiscard]] uint32_t freeHeap() override { return 0; }
  [[nodiscard]] uint32_t largestFreeBlock() override { return 0; }
  void executing(Text id, Text, Text params, uint32_t) override {
    all++;
    params_ = params.size < sizeof lastParams ? params : Text();
    if (params_.size > 0) memcpy(lastParams, params_.data, params_.size);
    lastParamsSize = params_.size;
    size_t number = 0;
    for (size_t i = 1; i < id.size; i++) number = number * 10 + static_cast<size_t>(id.data[i] - '0');
    if (id.size > 0 && number < kIds) runs[number]++;
  }
  void log(Text) override { logged++; }

  void forget() {
    all = logged = 0;
    for (uint8_t& count : runs) count = 0;
  }
  uint32_t all = 0;
  uint32_t logged = 0;
  uint8_t runs[kIds] = {};
  char lastParams[512];
  size_t lastParamsSize = 0;

 private:
  Text params_;
};

/** ping: done with a result. identify: 5 s. pulse_output: until somebody ends it. set_output: the hardware fails. read_now: refused.
 *  get_status: done with the longest result. reboot, update_firmware: over a reboot. */
class Hands final : public Executor {
 public:
  [[nodiscard]] bool refuses(contract::Builtin builtin, const Command&, uint64_t, Effect& why) override {
    if (builtin != contract::Builtin::readNow) return false;
    why.fail(contract::CommandError::busy, "not now");
    return true;
  }
  void execute(contract::Builtin builtin, const Command&, Ticket ticket, uint64_t, Effect& effect) override {
    last = ticket;
    switch (builtin) {
      case contract::Builtin::ping:
        memcpy(effect.result, "{\"uptime\":7}", 12);
        return;
      case contract::Builtin::getStatus:
        memset(effect.result, '1', sizeof effect.result - 1);
        return;
      case contract::Builtin::identify:
        effect.outcome = Outcome::later;
        effect.forMs = 5000;
        memcpy(effect.result, "{\"seconds\":5}", 13);
        return;
      case contract::Builtin::pulseOutput:
        effect.outcome = Outcome::later;
        return;
      case contract::Builtin::setOutput:
        return effect.fail(contract::CommandError::hardware, "it sticks");
      case contract::Builtin::reboot:
      case contract::Builtin::updateFirmware:
        effect.outcome = Outcome::reboots;
        return;
      default:
        return;
    }
  }
  [[nodiscard]] bool owns(Text name) override { return name.equals("blink"); }
  [[nodiscard]] Text ownNames() override { return "blink"; }
  Ticket last = 0;
};

/** A dispatcher with what it needs, and its acks as a list of lines would have them. */
struct CommandBench {
  CommandFlash flash;
  Witness witness;
  Hands hands;
  Dispatcher dispatcher{flash, witness, hands};
  uint32_t boot = 0;
  uint64_t nowMs = 0;
  char out[contract::kAckBytes];
  size_t size = 0;
  uint32_t token = 0;

  void fresh() {
    flash.format();
    witness.forget();
    boot = 0;
    nowMs = 0;
    restart();
  }
  void restart() {
    // Not where the power stayed: that would call off a cut that is to come.
    if (flash.off()) flash.powerUp();
    boot++;
    dispatcher.begin(boot);
    dispatcher.connected();
  }
  void receive(Text payload, bool retained = false, bool duplicate = false, int64_t unixMs = 0) {
    dispatcher.receive(payload, {retained, duplicate, unixMs, nowMs});
  }
  /** The next ack is handed over. False: there is none. */
  [[nodiscard]] bool ack() {
    size = 0;
    if (!dispatcher.nextAck("n1", 0, out, sizeof out, size, token)) return false;
    dispatcher.sent(token);
    return true;
  }
  [[nodiscard]] bool says(Text wanted) const {
    for (size_t at = 0; at + wanted.size <= size; at++)
      if (memcmp(out + at, wanted.data, wanted.size) == 0) return true;
    return false;
  }
  [[nodiscard]] bool ackSays(Text wanted) { return ack() && says(wanted); }
  [[nodiscard]] bool silent() { return !ack(); }
};

/** {"id":"t<number>","command":"<command>"<rest>} */
struct CommandText {
  char bytes[512];
  size_t size = 0;
  CommandText(uint32_t number, Text command, Text rest = Text()) {
    char digits[10];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    add("{\"id\":\"t");
    add(Text(digits + at, sizeof digits - at));
    add("\",\"command\":\"");
    add(command);
    add("\"");
    add(rest);
    add("}");
  }
  void add(Text text) {
    if (text.size > 0) memcpy(bytes + size, text.data, text.size);
    size += text.size;
  }
  [[nodiscard]] Text text() const { return Text(bytes, size); }
};

}  // namespace test
}  // namespace espalier
