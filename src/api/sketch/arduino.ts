import { nodeTopic } from '../../contract/topics.ts'
import type { Board } from './board.ts'

/** An IP address, not a name: a name has a letter in its last part, and no colon. */
const isAddress = (host: string): boolean => host.includes(':') || /^[\d.]+$/.test(host)

/** A whole Arduino sketch for an ESP32: nothing to add but the Wi-Fi and a sensor. */
export function arduinoSketch(board: Board): string {
  return [heading(board), yours, secrets(board), body(board)].join('\n')
}

const heading = ({
  id,
  ca,
  host,
}: Board): string => `// ${id}: sends a reading every 10 s to Espalier. Made by: espalier node add ${id} --sketch
// It holds the secret of this board, so keep it to yourself. Another board needs a sketch of its own.
//
// Arduino IDE: a board of "esp32 by Espressif Systems"${isAddress(host) && ca !== null ? ' (3.0 or newer)' : ''}, library "PubSubClient" by Nick O'Leary.

#include <WiFi.h>
${ca === null ? '#include <WiFiClient.h>' : '#include <WiFiClientSecure.h>'}
#include <PubSubClient.h>
#include <time.h>
${
  isAddress(host) && ca !== null
    ? `
#if defined(ESP_ARDUINO_VERSION_MAJOR) && ESP_ARDUINO_VERSION_MAJOR < 3
#error "Before 3.0 the ESP32 package can not check an IP address in a certificate: update it in the board manager."
#endif
`
    : ''
}`

const yours = `// ---- fill in ------------------------------------------------------------------------------------------------

const char *wifiName = "YOUR-WIFI-NAME";
const char *wifiPassword = "YOUR-WIFI-PASSWORD";

const unsigned long intervalMs = 10000;

// One name and value a sensor: lower-case letters, digits and _. NAN says that the sensor failed.
struct Sensor {
  const char *name;
  float (*read)();
};

float chipTemperature() { return temperatureRead(); }

const Sensor sensors[] = {
    {"chip_temperature", chipTemperature},
};

// ---- from here on nothing needs a change ---------------------------------------------------------------------
`

function secrets({ id, host, port, ca, proof }: Board): string {
  const lines = [
    `const char *nodeId = ${text(id)};`,
    `const char *brokerHost = ${text(host)};`,
    `const uint16_t brokerPort = ${port};`,
    proof.kind === 'password'
      ? `const char *userName = ${text(proof.username)};\nconst char *password = ${text(proof.password)};`
      : `const char *userName = nullptr; // the certificate says who it is\nconst char *password = nullptr;`,
    `const char *telemetryTopic = ${text(nodeTopic(id, 'telemetry'))};`,
    `const char *statusTopic = ${text(nodeTopic(id, 'status'))};`,
  ]
  if (ca !== null) lines.push('', `const char caCertificate[] = ${pem(ca)};`)
  if (proof.kind === 'certificate')
    lines.push('', `const char ownCertificate[] = ${pem(proof.cert)};`, '', `const char ownKey[] = ${pem(proof.key)};`)
  return `${lines.join('\n')}\n`
}

const body = ({ id, ca, proof }: Board): string => `
${ca === null ? 'WiFiClient network;' : 'WiFiClientSecure network;'}
PubSubClient mqtt(network);
char message[1024];
unsigned long sentAt = 0;
unsigned long triedAt = 0;
unsigned long waitMs = 0;

// Twice the wait after each failure, up to a minute, and a bit of chance so that many boards don't come at once.
void waitLonger() {
  waitMs = waitMs == 0 ? 1000 : waitMs * 2;
  if (waitMs > 60000) waitMs = 60000;
  triedAt = millis() - random(waitMs / 4 + 1);
}

const char *reason(int state) {
  switch (state) {
    case MQTT_CONNECT_BAD_CREDENTIALS:
    case MQTT_CONNECT_UNAUTHORIZED:
      return "${proof.kind === 'password' ? 'the password was refused' : 'the certificate was refused'}: espalier node rotate ${id} --sketch";
    case MQTT_CONNECT_FAILED:
      return "${ca === null ? 'no answer: right network, right address?' : 'no answer, or its certificate is not trusted: right network, right address?'}";
    default:
      return "the connection broke";
  }
}

bool connected() {
  if (mqtt.connected()) return true;
  if (millis() - triedAt < waitMs) return false;
  if (WiFi.status() != WL_CONNECTED) {
    Serial.println("waiting for the Wi-Fi");
    waitLonger();
    return false;
  }
  // The last will: if this board vanishes, the broker says so in its name.
  if (!mqtt.connect(nodeId, userName, password, statusTopic, 1, true, "{\\"node_id\\":\\"node_${id}\\",\\"online\\":false}")) {
    Serial.printf("not connected: %d (%s)\\n", mqtt.state(), reason(mqtt.state()));
    waitLonger();
    return false;
  }
  waitMs = 0;
  snprintf(message, sizeof message, "{\\"node_id\\":\\"node_${id}\\",\\"online\\":true,\\"board\\":\\"esp32\\",\\"interval\\":%lu,\\"wifi_rssi\\":%d}",
           intervalMs / 1000, static_cast<int>(WiFi.RSSI()));
  mqtt.publish(statusTopic, message, true);
  Serial.println("connected");
  return true;
}

void sendReading() {
  int used = snprintf(message, sizeof message, "{\\"node_id\\":\\"node_${id}\\",");
  const time_t now = time(nullptr);
  // Until the clock is set by the network a reading has no time: then it counts from its arrival.
  if (now > 1700000000) used += snprintf(message + used, sizeof message - used, "\\"timestamp\\":%lld,", static_cast<long long>(now));
  used += snprintf(message + used, sizeof message - used, "\\"sensors\\":{");
  bool first = true;
  for (const Sensor &sensor : sensors) {
    const float value = sensor.read();
    char number[24];
    if (isnan(value) || isinf(value)) snprintf(number, sizeof number, "null");
    else snprintf(number, sizeof number, "%.3f", value);
    used += snprintf(message + used, sizeof message - used, "%s\\"%s\\":%s", first ? "" : ",", sensor.name, number);
    first = false;
    if (used >= static_cast<int>(sizeof message) - 100) break;
  }
  snprintf(message + used, sizeof message - used, "},\\"wifi_rssi\\":%d,\\"uptime\\":%lu}", static_cast<int>(WiFi.RSSI()),
           millis() / 1000);
  Serial.println(mqtt.publish(telemetryTopic, message) ? message : "not sent");
}

void setup() {
  Serial.begin(115200);
  WiFi.mode(WIFI_STA);
  WiFi.setAutoReconnect(true);
  WiFi.begin(wifiName, wifiPassword);
  configTime(0, 0, "pool.ntp.org");
${ca === null ? '' : '  network.setCACert(caCertificate);\n'}${proof.kind === 'certificate' ? '  network.setCertificate(ownCertificate);\n  network.setPrivateKey(ownKey);\n' : ''}  mqtt.setServer(brokerHost, brokerPort);
  mqtt.setBufferSize(sizeof message + 128);
  mqtt.setKeepAlive(30);
  sentAt = millis() - intervalMs;
}

void loop() {
  if (connected()) {
    mqtt.loop();
    if (millis() - sentAt >= intervalMs) {
      sentAt = millis();
      sendReading();
    }
  }
  delay(10);
}
`

/** JSON's strings are C's as long as they hold no control characters beyond the common ones; ids, hosts and passwords don't. */
const text = (value: string): string => JSON.stringify(value)

const pem = (value: string): string => `R"PEM(${value.trim()}\n)PEM"`
