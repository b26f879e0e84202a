#include "check.h"
#include "espalier/node.h"
#include "flash.h"
#include "update_bench.h"

using namespace espalier;  // NOLINT(google-build-using-namespace)

/** The whole node at a broker in memory: what it says, in which order, and never too much at once. */
namespace {

using Flash = test::FaultyStoreOf<12, 4608>;

struct StillLink final : Link {
  void join(const WifiSettings&) override { joined = true; }
  void leave() override {}
  [[nodiscard]] bool up() override { return joined; }
  [[nodiscard]] bool rssi(int8_t& out) override {
    out = -60;
    return true;
  }
  [[nodiscard]] Text address() override { return "192.0.2.7"; }
  bool joined = false;
};

struct StillClock final : Clock {
  [[nodiscard]] uint64_t nowMs() override { return now; }
  [[nodiscard]] bool sntp(int64_t& unixMs) override {
    unixMs = 1800000000000 + static_cast<int64_t>(now);
    return true;
  }
  uint64_t now = 0;
};

struct StillSerial final : Serial {
  [[nodiscard]] size_t read(uint8_t*, size_t) override { return 0; }
  void write(Span) override {}
};

struct StillLed final : Led {
  void set(uint8_t) override {}
};

struct Thermometer final : Sensor {
  void begin() override {}
  [[nodiscard]] size_t channels(const Channel*& out) override {
    static constexpr Channel kOne[] = {{"temperature", "°C", false, 0, 0, 1}};
    out = kOne;
    return 1;
  }
  void read(double* out) override { out[0] = 21.5; }
};

bool has(Text text, Text wanted) {
  for (size_t at = 0; at + wanted.size <= text.size; at++)
    if (memcmp(text.data + at, wanted.data, wanted.size) == 0) return true;
  return false;
}

/** Answers what it is told to, and keeps what was said by kind. */
class Broker final : public Mqtt {
 public:
  void connect(const MqttConnect& how) override {
    connects++;
    copy(will, sizeof will, how.willPayload, willSize);
    push({MqttEventKind::connected, 0, 0, Text(), Text(), false, false});
  }
  [[nodiscard]] bool subscribe(const Text* filters, size_t count) override {
    filterCount = count;
    subscribedFirst = published == 0 && filters[0].equals("iot/node/n1/command");
    push({MqttEventKind::subscribed, 0, 0, Text(), Text(), false, false});
    return true;
  }
  [[nodiscard]] int32_t publish(Text topic, Text payload, uint8_t qos, bool retain) override {
    published++;
    const bool status = topic.equals("iot/node/n1/status");
    if (published == 1) bornFirst = status && retain && qos == 1 && has(payload, "\"online\":true");
    if (gone) saidAfterGoodbye = true;
    if (status && has(payload, "\"online\":false")) gone = true;
    if (topic.equals("iot/node/n1/telemetry")) readings++;
    if (topic.equals("iot/node/n1/ack")) acks++;
    copy(last, sizeof last, payload, lastSize);
    unacknowledged++;
    if (unacknowledged > most) most = unacknowledged;
    const int32_t id = static_cast<int32_t>(published);
    if (answers) {
      push({MqttEventKind::acknowledged, id, 0, Text(), Text(), false, false});
    }
    return id;
  }
  void disconnect() override { disconnects++; }
  void abort() override { eventCount = 0; }
  MqttEvent poll() override {
    if (eventCount == 0) return MqttEvent();
    const MqttEvent event = events[0];
    eventCount--;
    memmove(events, events + 1, eventCount * sizeof events[0]);
    if (event.kind == MqttEventKind::acknowledged) unacknowledged--;
    return event;
  }
  void command(Text payload, bool retained) { push({MqttEventKind::message, 0, 0, "iot/node/n1/command", payload, retained, false}); }
  void push(const MqttEvent& event) {
    if (eventCount < sizeof events / sizeof events[0]) events[eventCount++] = event;
  }
  static void copy(char* to, size_t room, Text from, size_t& size) {
    size = from.size < room ? from.size : room;
    if (size > 0) memcpy(to, from.data, size);
  }

  bool answers = true;
  bool gone = false;
  bool bornFirst = false;
  bool subscribedFirst = false;
  bool saidAfterGoodbye = false;
  uint32_t connects = 0;
  uint32_t disconnects = 0;
  uint32_t published = 0;
  uint32_t readings = 0;
  uint32_t acks = 0;
  int32_t unacknowledged = 0;
  int32_t most = 0;
  size_t filterCount = 0;
  char will[160] = {};
  size_t willSize = 0;
  char last[600] = {};
  size_t lastSize = 0;

 private:
  MqttEvent events[24];
  size_t eventCount = 0;
};

Flash flash;
StillLink link;
Broker broker;
StillClock timer;
test::MemorySlots<4096> slots;
test::ServedHttp http;
test::PlainCrypto crypto;
StillLed led;
StillSerial serial;
test::StillSystem machine;
Thermometer thermometer;
Sensor* const sensors[] = {&thermometer};
const Build build = {"host", "1.0.0", false};
const Ports ports = {link, broker, timer, flash, slots, http, crypto, led, serial, machine, sensors, 1, nullptr, 0};
Node node(ports, build, {0, 0.5});

void provision() {
  static uint8_t work[SettingsSlots::kWorkBytes];
  static Settings settings;
  SettingsSlots settingsSlots(flash, work);
  (void)readSettings("{\"id\":\"n1\",\"broker\":{\"url\":\"mqtt://broker.invalid\"}}", settings);
  (void)settingsSlots.replace(settings);
}

void forMs(uint64_t ms) {
  for (const uint64_t end = timer.now + ms; timer.now < end; timer.now += 20) node.step();
}

void testNode(espalier::test::Check& check) {
  provision();
  node.begin();
  forMs(1000);
  CHECK(broker.connects == 1);
  CHECK(broker.filterCount == 3);
  CHECK(broker.subscribedFirst);
  CHECK(broker.bornFirst);
  char boot[32];
  JsonWriter json(boot, sizeof boot);
  CHECK(has(Text(broker.will, broker.willSize), json.raw("\"boot\":").whole(node.boot()).text()));

  forMs(4000);
  // Under a second of interval: one message a second.
  CHECK(broker.readings > 2);
  CHECK(broker.unacknowledged == 0);
  const uint32_t acks = broker.acks;
  broker.command("{\"id\":\"c1\",\"command\":\"ping\"}", false);
  broker.command("{\"id\":\"c2\",\"command\":\"ping\"}", true);
  forMs(200);
  // The retained one is not answered, or refused; it is not executed.
  CHECK(broker.acks >= acks + 1);
  CHECK(!has(Text(broker.last, broker.lastSize), "\"id\":\"c2\",\"command\":\"ping\",\"state\":\"done\""));

  // A broker that acknowledges nothing: eight at most, one of them the goodbye.
  broker.answers = false;
  for (int i = 0; i < 20; i++) {
    broker.command("{\"id\":\"c1\",\"command\":\"ping\"}", false);
    forMs(1000);
  }
  CHECK(broker.most == 7);
  node.stop();
  forMs(3000);
  CHECK(node.stopped());
  CHECK(broker.most == 8);
  CHECK(broker.gone);
  CHECK(!broker.saidAfterGoodbye);
  CHECK(broker.disconnects == 1);
}

const test::Unit unit("node", testNode);

}  // namespace
