#include "../check.h"
#include "boards/esp32/mqtt.h"
#include "fakes.h"

using espalier::MqttConnect;
using espalier::MqttEvent;
using espalier::MqttEventKind;
using espalier::Text;

namespace {

struct Bench {
  espalier::BrokerSettings broker;
  EspMqtt mqtt;
  Bench() {
    fakes::mqtt = {};
    mqtt.begin();
    strcpy(broker.host, "house.local");
    strcpy(broker.ca, "the CA");
    broker.tls = true;
    broker.port = 8883;
  }
  void connect() {
    MqttConnect how;
    how.broker = &broker;
    how.clientId = "01";
    how.willTopic = "iot/node/01/status";
    how.willPayload = "{}";
    mqtt.connect(how);
  }
  /** Connected, and told so. */
  void online(espalier::test::Check& check) {
    connect();
    CHECK(mqtt.poll().kind == MqttEventKind::none);
    happen(MQTT_EVENT_CONNECTED);
    CHECK(mqtt.poll().kind == MqttEventKind::connected);
  }
  void happen(esp_mqtt_event_id_t id, int message = 0) {
    esp_mqtt_event_t event = {};
    event.event_id = id;
    event.msg_id = message;
    fakes::happen(event);
  }
  void fail(esp_mqtt_error_type_t type, int code, int tls) {
    esp_mqtt_error_codes_t why = {};
    why.error_type = type;
    why.connect_return_code = static_cast<esp_mqtt_connect_return_code_t>(code);
    why.esp_tls_stack_err = tls;
    esp_mqtt_event_t event = {};
    event.event_id = MQTT_EVENT_ERROR;
    event.error_handle = &why;
    fakes::happen(event);
    happen(MQTT_EVENT_DISCONNECTED);
  }
  /** One piece of a message; only the first has the topic. */
  void piece(const char* text, int offset, int total) {
    char topic[] = "iot/node/01/command";
    char bytes[256];
    strcpy(bytes, text);
    esp_mqtt_event_t event = {};
    event.event_id = MQTT_EVENT_DATA;
    event.data = bytes;
    event.data_len = static_cast<int>(strlen(text));
    event.current_data_offset = offset;
    event.total_data_len = total;
    event.topic = offset == 0 ? topic : nullptr;
    event.topic_len = offset == 0 ? static_cast<int>(sizeof topic - 1) : 0;
    event.retain = offset == 0;
    fakes::happen(event);
    // What the event pointed to is somebody else's again.
    memset(bytes, '?', sizeof bytes);
  }
  ~Bench() {
    mqtt.disconnect();
    fakes::runTasks();
  }
};

void testConnection(espalier::test::Check& check) {
  Bench bench;
  bench.online(check);
  const esp_mqtt_client_config_t& config = fakes::mqtt.config;
  CHECK(config.network.disable_auto_reconnect && config.session.keepalive == 30 && config.outbox.limit > 0);
  CHECK(config.broker.address.transport == MQTT_TRANSPORT_OVER_SSL && config.broker.address.port == 8883);
  // esp_mqtt keeps the address of the certificate: the settings may change meanwhile.
  strcpy(bench.broker.ca, "another");
  CHECK(strcmp(config.broker.verification.certificate, "the CA") == 0);
  CHECK(config.credentials.authentication.certificate == nullptr && config.credentials.username == nullptr);

  const Text filters[] = {"a", "b", "c"};
  CHECK(bench.mqtt.subscribe(filters, 3));
  bench.happen(MQTT_EVENT_SUBSCRIBED, 9);
  const MqttEvent subscribed = bench.mqtt.poll();
  CHECK(subscribed.kind == MqttEventKind::subscribed && subscribed.id == 9 && subscribed.code == 0);

  const int32_t id = bench.mqtt.publish("t", "p", 1, false);
  CHECK(id > 0);
  bench.happen(MQTT_EVENT_PUBLISHED, id);
  const MqttEvent acknowledged = bench.mqtt.poll();
  CHECK(acknowledged.kind == MqttEventKind::acknowledged && acknowledged.id == id);

  bench.happen(MQTT_EVENT_DISCONNECTED);
  CHECK(bench.mqtt.publish("t", "p", 1, false) < 0);
  const MqttEvent over = bench.mqtt.poll();
  CHECK(over.kind == MqttEventKind::disconnected && over.code == 0);
}

void testFailures(espalier::test::Check& check) {
  Bench bench;
  bench.connect();
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
  // While it connects the client holds its lock: nothing is handed over.
  CHECK(bench.mqtt.publish("t", "p", 1, false) < 0 && fakes::mqtt.enqueued == 0);
  bench.fail(MQTT_ERROR_TYPE_CONNECTION_REFUSED, 5, 0);
  const MqttEvent refused = bench.mqtt.poll();
  CHECK(refused.kind == MqttEventKind::refused && refused.code == 5);

  // The old client ends in a task; the new one is made once it has.
  bench.connect();
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && fakes::mqtt.started == 1);
  fakes::runTasks();
  CHECK(fakes::mqtt.destroyed == 1);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && fakes::mqtt.started == 2);
  bench.fail(MQTT_ERROR_TYPE_TCP_TRANSPORT, 0, -0x2700);
  const MqttEvent untrusted = bench.mqtt.poll();
  CHECK(untrusted.kind == MqttEventKind::disconnected && untrusted.code == -1);

  fakes::mqtt.startFails = true;
  bench.connect();
  fakes::runTasks();
  const MqttEvent none = bench.mqtt.poll();
  CHECK(none.kind == MqttEventKind::disconnected && fakes::mqtt.destroyed == 3);
}

void testSilenceAfterAbort(espalier::test::Check& check) {
  Bench bench;
  bench.online(check);
  bench.piece("{}", 0, 2);
  bench.mqtt.abort();
  bench.happen(MQTT_EVENT_DISCONNECTED);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
  bench.connect();
  fakes::runTasks();
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
  bench.happen(MQTT_EVENT_CONNECTED);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::connected);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
}

void testPieces(espalier::test::Check& check) {
  Bench bench;
  bench.online(check);
  bench.piece("{\"command\":", 0, 17);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
  bench.piece("\"pi", 11, 17);
  bench.piece("ng\"", 14, 17);
  const MqttEvent whole = bench.mqtt.poll();
  CHECK(whole.kind == MqttEventKind::message && whole.retained);
  CHECK(whole.topic.equals("iot/node/01/command") && whole.payload.equals("{\"command\":\"ping\""));
  CHECK(bench.mqtt.lost() == 0);

  // A piece is missing: the whole message is.
  bench.piece("{\"command\":", 0, 17);
  bench.piece("ng\"", 14, 17);
  bench.piece("\"pi", 11, 17);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && bench.mqtt.lost() == 1);
  // Longer than any command: none of its pieces counts.
  bench.piece("x", 0, 5000);
  bench.piece("y", 1, 5000);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && bench.mqtt.lost() == 2);
  bench.piece("", 0, 0);
  const MqttEvent empty = bench.mqtt.poll();
  CHECK(empty.kind == MqttEventKind::message && empty.payload.size == 0);
}

void testFlood(espalier::test::Check& check) {
  Bench bench;
  bench.online(check);
  for (int i = 0; i < 8; i++) CHECK(bench.mqtt.publish("t", "p", 1, false) > 0);
  // Nobody polls while a flood comes in: what matters still finds its room.
  for (int i = 0; i < 500; i++) bench.piece("0123456789", 0, 10);
  CHECK(bench.mqtt.lost() > 400);
  for (int i = 1; i <= 8; i++) bench.happen(MQTT_EVENT_PUBLISHED, i);
  bench.happen(MQTT_EVENT_DISCONNECTED);
  uint32_t messages = 0;
  uint32_t acknowledged = 0;
  MqttEvent event = bench.mqtt.poll();
  for (; event.kind == MqttEventKind::message; event = bench.mqtt.poll()) messages++;
  for (; event.kind == MqttEventKind::acknowledged; event = bench.mqtt.poll()) acknowledged++;
  CHECK(messages + bench.mqtt.lost() == 500 && acknowledged == 8 && event.kind == MqttEventKind::disconnected);
}

void testStall(espalier::test::Check& check) {
  Bench bench;
  bench.online(check);
  const int32_t first = bench.mqtt.publish("t", "p", 1, false);
  CHECK(bench.mqtt.publish("t", "p", 1, false) > 0);
  fakes::nowUs += 25000000;
  bench.happen(MQTT_EVENT_PUBLISHED, first);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::acknowledged);
  fakes::nowUs += 25000000;
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
  // Thirty seconds without any: the outbox has forgotten it.
  fakes::nowUs += 6000000;
  CHECK(bench.mqtt.poll().kind == MqttEventKind::disconnected);
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && bench.mqtt.publish("t", "p", 1, false) < 0);
  bench.connect();
  fakes::runTasks();
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none && fakes::mqtt.started == 2);
  fakes::nowUs += 60000000;
  CHECK(bench.mqtt.poll().kind == MqttEventKind::none);
}

const espalier::test::Unit connection("board_mqtt connection", testConnection);
const espalier::test::Unit failures("board_mqtt failures", testFailures);
const espalier::test::Unit silence("board_mqtt silence after abort", testSilenceAfterAbort);
const espalier::test::Unit pieces("board_mqtt pieces", testPieces);
const espalier::test::Unit flood("board_mqtt flood", testFlood);
const espalier::test::Unit stall("board_mqtt stall", testStall);

}  // namespace
