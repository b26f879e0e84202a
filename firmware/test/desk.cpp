// The commands of a node as lines: one event in, one line of JSON out with the acks, what was executed, and how the outputs stand.
// test/firmware/desk.test.ts asks it the same as the virtual node's desk.
//
//   receive RETAINED DUPLICATE WALL_MS MONO_MS HEX | step MONO_MS | connect | deliver | reboot | forget | cut NTH TEAR TAIL | status MANY HEX
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "espalier/json_writer.h"
#include "espalier/output_commands.h"
#include "espalier/status.h"
#include "flash.h"

using namespace espalier;
using contract::Builtin;

namespace {

char payload[8192];
uint64_t nowMs = 0;

size_t unhex(const char* hex) {
  size_t size = 0;
  unsigned byte = 0;
  for (; sscanf(hex, "%2x", &byte) == 1 && size < sizeof payload; hex += 2) payload[size++] = static_cast<char>(byte);
  return size;
}

class Pin final : public Output {
 public:
  explicit Pin(Text pinName) : name_(pinName) {}
  [[nodiscard]] Text name() override { return name_; }
  [[nodiscard]] bool set(double) override { return true; }

 private:
  Text name_;
};

class Lamp final : public Led {
 public:
  void set(uint8_t) override {}
};

/** Collects the witnessed executions of one event. */
class Witness final : public System {
 public:
  [[nodiscard]] uint32_t random() override { return 4; }
  void restart() override {}
  [[nodiscard]] Text resetReason() override { return "other"; }
  [[nodiscard]] uint32_t freeHeap() override { return 0; }
  [[nodiscard]] uint32_t largestFreeBlock() override { return 0; }
  void executing(Text id, Text command, Text params, uint32_t) override {
    json.raw(any ? Text(",{") : Text("{"));
    if (id.size > 0) json.raw("\"id\":").string(id).raw(",");
    json.raw("\"command\":").string(command).raw(",\"params\":").raw(params).raw("}");
    any = true;
  }
  void log(Text) override {}
  void clear() {
    json = JsonWriter(text_, sizeof text_);
    any = false;
  }
  char text_[8192];
  JsonWriter json{text_, sizeof text_};
  bool any = false;
};

Pin relay("relay");
Pin pump("pump");
Output* const pins[] = {&relay, &pump};
Lamp lamp;
Outputs outputs(pins, 2);
Indicator indicator(lamp);
OutputCommands outputCommands(outputs, indicator);
Configuration configuration;

/** What the node does beside outputs and light, as far as an ack shows it. */
class Node final : public Executor {
 public:
  [[nodiscard]] bool refuses(Builtin builtin, const Command& command, uint64_t, Effect& why) override {
    if (builtin != Builtin::updateFirmware) return outputCommands.refuses(builtin, command, why);
    why.fail(contract::CommandError::hardware, "nothing to write an image to");
    return true;
  }
  void execute(Builtin builtin, const Command& command, Ticket, uint64_t now, Effect& effect) override {
    JsonWriter json(effect.result, sizeof effect.result - 1);
    if (OutputCommands::has(builtin)) return outputCommands.execute(builtin, command, now, effect);
    if (builtin == Builtin::reboot) effect.outcome = Outcome::reboots;
    if (builtin == Builtin::ping) json.raw("{\"uptime\":").whole(static_cast<int64_t>(now / 1000)).raw("}");
    if (builtin == Builtin::readNow) json.raw("{\"sensors\":{\"temperature\":22.5}}");
    if (builtin == Builtin::setInterval) json.raw("{\"interval\":").raw(command.params.member("seconds").raw()).raw("}");
    if (builtin == Builtin::configure) configure(command, json);
  }

 private:
  static void configure(const Command& command, JsonWriter& json) {
    const Json wanted = command.params.member("outputs");
    if (wanted.is(JsonKind::object)) {
      for (JsonWalk walk(wanted); walk.next();) {
        char name[8];
        const Text text(name, walk.name.string(name, sizeof name));
        configuration.safe[outputs.find(text)] = walk.value.member("safe").number();
      }
    }
    outputs.configure(configuration);
    json.raw("{\"rev\":").raw(command.params.member("rev").raw()).raw("}");
  }
};

test::FaultyStoreOf<3, 24576> flash;
Witness witness;
Node node;
Dispatcher dispatcher(flash, witness, node);
uint32_t boot = 0;

/** Handed over and not confirmed. */
uint32_t tokens[256];
size_t tokenCount = 0;

void start() {
  flash.powerUp();
  outputs.begin(configuration, nowMs);
  outputs.connected(true, nowMs);
  indicator.begin();
  dispatcher.begin(++boot);
  tokenCount = 0;
}

/** The acks of this event. Those that nothing remembers have their PUBACK at once: the virtual node does not keep them. */
void printAcks() {
  char out[contract::kAckBytes];
  size_t size = 0;
  uint32_t token = 0;
  for (bool first = true; !flash.off() && dispatcher.nextAck("n1", 1780000000250, out, sizeof out, size, token); first = false) {
    dispatcher.sent(token);
    const bool loose = (token & 0x80000000U) != 0;
    if (loose) dispatcher.delivered(token);
    else if (tokenCount < 256) tokens[tokenCount++] = token;
    printf("%s%.*s", first ? "" : ",", static_cast<int>(size), out);
  }
}

void answer() {
  printf("{\"acks\":[");
  printAcks();
  const Text ran = witness.json.text();
  printf("],\"ran\":[%.*s],\"outputs\":[%g,%g],\"led\":%d,\"ignored\":%" PRIu32 ",\"off\":%s}\n", static_cast<int>(ran.size),
         ran.size > 0 ? ran.data : "", outputs.value(0), outputs.value(1), static_cast<int>(indicator.brightness()),
         dispatcher.ignored(), flash.off() ? "true" : "false");
}

void step() {
  outputs.step(nowMs);
  indicator.step(nowMs);
  dispatcher.step(nowMs);
}

/** A status with all it can have, `many` sensors and outputs and every text as given; then will and last words. */
void status(unsigned many, Text text) {
  static Channel channels[sizes::kChannels];
  static Text names[sizes::kOutputs];
  StatusFacts facts;
  facts.id = "n1";
  facts.hasTime = facts.hasRssi = many > 0;
  facts.unixMs = 1780000000250;
  facts.boot = facts.uptimeS = facts.freeHeap = facts.largestFreeBlock = UINT32_MAX;
  facts.backlog = facts.dropped = facts.droppedUndatable = facts.configRev = UINT32_MAX;
  facts.rssi = -128;
  facts.intervalS = many % 2 == 0 ? 86400 : 0.1;
  facts.board = facts.version = facts.slot = facts.resetReason = facts.ip = text;
  facts.keepReceipt = facts.confirmed = many % 2 == 0;
  for (Channel& channel : channels) {
    channel.name = "a23456789_123456789_123456789_12";
    channel.unit = many % 2 == 0 ? Text("°C") : Text("0123456789abcdef");
    channel.hasRange = many % 2 == 0;
    channel.min = -1e300;
    channel.max = 84.9;
  }
  for (Text& name : names) name = text.size > 0 ? text : Text("relay");
  facts.channels = channels;
  facts.channelCount = many < sizes::kChannels ? many : sizes::kChannels;
  facts.outputs = names;
  facts.outputCount = many < sizes::kOutputs ? many : sizes::kOutputs;
  char out[contract::kStatusBytes];
  printf("[%.*s,", static_cast<int>(encodeStatus(facts, out, sizeof out)), out);
  printf("%.*s,", static_cast<int>(encodeWill("n1", UINT32_MAX, out, sizeof out)), out);
  printf("%.*s]\n", static_cast<int>(encodeGoodbye("n1", 0, "reboot", out, sizeof out)), out);
}

bool event(const char* line) {
  int retained = 0;
  int duplicate = 0;
  int64_t wallMs = 0;
  uint64_t monoMs = nowMs;
  int at = 0;
  unsigned nth = 0;
  unsigned tear = 0;
  unsigned tail = 0;
  if (sscanf(line, "receive %d %d %" SCNd64 " %" SCNu64 " %n", &retained, &duplicate, &wallMs, &monoMs, &at) == 4 && at > 0) {
    nowMs = monoMs;
    step();
    const Text text(payload, unhex(line + at));
    dispatcher.receive(text, {retained != 0, duplicate != 0, wallMs, nowMs});
  } else if (sscanf(line, "step %" SCNu64, &nowMs) == 1) {
    step();
  } else if (strncmp(line, "connect", 7) == 0) {
    tokenCount = 0;
    dispatcher.disconnected();
    dispatcher.connected();
  } else if (strncmp(line, "deliver", 7) == 0) {
    for (size_t i = 0; i < tokenCount; i++) dispatcher.delivered(tokens[i]);
    tokenCount = 0;
  } else if (strncmp(line, "reboot", 6) == 0) {
    start();
  } else if (strncmp(line, "forget", 6) == 0) {
    flash.format();
    configuration = Configuration();
    nowMs = 0;
    start();
  } else if (sscanf(line, "cut %u %u %u", &nth, &tear, &tail) == 3) {
    flash.cutAt(nth, {static_cast<test::Tear>(tear), static_cast<test::Tail>(tail)});
  } else if (sscanf(line, "status %u %n", &nth, &at) == 1) {
    status(nth, Text(payload, unhex(line + at)));
    return true;
  } else {
    return false;
  }
  answer();
  return true;
}

}  // namespace

int main() {
  static char line[32768];
  setvbuf(stdout, nullptr, _IOLBF, 0);
  start();
  while (fgets(line, sizeof line, stdin) != nullptr) {
    witness.clear();
    if (!event(line)) return 2;
  }
}
