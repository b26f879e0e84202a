#include "mqtt.h"

#include <time.h>

#include "espalier/secret.h"
#include "espalier/settings.h"
#include "mqtt_packet.h"

namespace espalier {
namespace host {
namespace {

constexpr uint16_t kKeepAliveS = 30;
/** TCP, TLS, CONNACK. */
constexpr uint64_t kConnectMs = 15000;
/** A PUBACK that has not come by then never will, and the recorder's window would stay full; as on the ESP32. */
constexpr uint64_t kStallMs = 30000;
/** A huge message that goes by keeps nobody waiting. */
constexpr int kPiecesAPoll = 8;
/** What a slow line may make wait; the core asks again. */
constexpr size_t kOutBytes = 262144;

void put16(std::string& to, size_t value) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value & 0xFF);
}

void putText(std::string& to, Text text) {
  put16(to, text.size);
  to.append(text.data, text.size);
}

void putPacket(std::string& to, uint8_t type, uint8_t flags, const std::string& body) {
  to += static_cast<char>((type << 4) | flags);
  size_t left = body.size();
  do {
    const size_t digit = left % 128;
    left /= 128;
    to += static_cast<char>(left > 0 ? digit | 128 : digit);
  } while (left > 0);
  to += body;
}

Text ofChars(const char* text) { return Text(text, strlen(text)); }

}  // namespace

uint64_t realMs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

void MqttClient::reset() {
  line_.close();
  // The CONNECT stood in it, with the password.
  if (!out_.empty()) wipe(&out_[0], out_.size());
  out_.clear();
  in_.clear();
  consumed_ = 0;
  passing_ = 0;
  owed_ = 0;
  unacknowledged_ = 0;
  active_ = open_ = greeted_ = over_ = false;
}

void MqttClient::connect(const MqttConnect& how) {
  reset();
  const BrokerSettings& broker = *how.broker;
  std::string body;
  putText(body, "MQTT");
  body += '\4';
  const bool user = broker.user[0] != '\0';
  const bool password = user && broker.password[0] != '\0';
  // Clean session, will with QoS 1 and retained.
  body += static_cast<char>(0x02 | 0x04 | 0x08 | 0x20 | (user ? 0x80 : 0) | (password ? 0x40 : 0));
  put16(body, kKeepAliveS);
  putText(body, how.clientId);
  putText(body, how.willTopic);
  putText(body, how.willPayload);
  if (user) putText(body, ofChars(broker.user));
  if (password) putText(body, ofChars(broker.password));
  out_.reserve(body.size() + 8);
  putPacket(out_, kConnect, 0, body);
  wipe(&body[0], body.size());
  active_ = true;
  beganMs_ = heardMs_ = sentMs_ = realMs();
  const Line::Security security = {broker.ca, broker.certificate, broker.key};
  line_.open(broker.host, broker.port, broker.tls ? &security : nullptr);
}

bool MqttClient::subscribe(const Text* filters, size_t count) {
  if (!greeted_) return false;
  std::string body;
  if (++lastId_ == 0) lastId_ = 1;
  subscribeId_ = lastId_;
  put16(body, subscribeId_);
  for (size_t i = 0; i < count; i++) {
    putText(body, filters[i]);
    body += '\1';
  }
  putPacket(out_, kSubscribe, 2, body);
  return true;
}

int32_t MqttClient::publish(Text topic, Text payload, uint8_t qos, bool retain) {
  if (!greeted_ || over_ || out_.size() > kOutBytes) return -1;
  if (++lastId_ == 0) lastId_ = 1;
  std::string body;
  putText(body, topic);
  if (qos > 0) put16(body, lastId_);
  body.append(payload.data, payload.size);
  putPacket(out_, kPublish, static_cast<uint8_t>((qos << 1) | (retain ? 1 : 0)), body);
  if (qos == 0) return 0;
  if (unacknowledged_++ == 0) quietMs_ = realMs();
  return lastId_;
}

void MqttClient::disconnect() {
  if (greeted_ && !over_) {
    putPacket(out_, kDisconnect, 0, std::string());
    // Small as it is, it has room in the socket's buffer, unless the line is broken anyway.
    (void)flush();
  }
  reset();
}

void MqttClient::abort() { reset(); }

void MqttClient::acknowledge(uint16_t id) {
  std::string body;
  put16(body, id);
  putPacket(out_, kPuback, 0, body);
}

MqttEvent MqttClient::poll() {
  if (!active_) return MqttEvent();
  in_.erase(0, consumed_);
  consumed_ = 0;
  if (owed_ != 0) acknowledge(owed_);
  owed_ = 0;
  if (!over_ && !moveBytes()) over_ = true;
  for (;;) {
    Packet packet;
    const int found = next(packet);
    if (found < 0) return end("the broker speaks no MQTT 3.1.1");
    if (found == 0) break;
    if (drops_()) return end("dropped by --fault net-drop");
    MqttEvent event;
    if (!understand(packet, event)) return end("the broker speaks no MQTT 3.1.1");
    if (event.kind == MqttEventKind::refused) {
      reset();
      return event;
    }
    if (event.kind != MqttEventKind::none) return event;
    in_.erase(0, consumed_);
    consumed_ = 0;
  }
  return over_ ? end(why_) : MqttEvent();
}

bool MqttClient::moveBytes() {
  const Line::State state = line_.step();
  const uint64_t nowMs = realMs();
  if (state == Line::State::broken || state == Line::State::closed) {
    why_ = line_.why();
    return false;
  }
  if (!greeted_ && nowMs - beganMs_ > kConnectMs) {
    why_ = "no answer within 15 s";
    return false;
  }
  if (state != Line::State::open) return true;
  open_ = true;
  if (greeted_ && !keepAlive()) return false;
  uint8_t piece[16384];
  for (int i = 0; i < kPiecesAPoll && in_.size() < kPacketBytes + kHeadBytes; i++) {
    const long got = line_.read(piece, sizeof piece);
    if (got == 0) break;
    if (got < 0) {
      why_ = greeted_ ? "the connection ended" : line_.why();
      return false;
    }
    heardMs_ = nowMs;
    const auto size = static_cast<size_t>(got);
    const size_t passed = passing_ < size ? passing_ : size;
    passing_ -= passed;
    in_.append(reinterpret_cast<const char*>(piece) + passed, size - passed);
  }
  return flush();
}

bool MqttClient::flush() {
  while (!out_.empty()) {
    if (drops_()) {
      why_ = "dropped by --fault net-drop";
      return false;
    }
    const long sent = line_.write(reinterpret_cast<const uint8_t*>(out_.data()), out_.size());
    if (sent < 0) {
      why_ = "the connection ended";
      return false;
    }
    if (sent == 0) break;
    sentMs_ = realMs();
    wipe(&out_[0], static_cast<size_t>(sent));
    out_.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

/** A ping when nothing was said for two thirds of the keep alive; over when nothing came for one and a half, or no PUBACK where one is due. */
bool MqttClient::keepAlive() {
  const uint64_t nowMs = realMs();
  if (nowMs - heardMs_ > kKeepAliveS * 1500U) {
    why_ = "the broker is silent";
    return false;
  }
  if (unacknowledged_ > 0 && nowMs - quietMs_ > kStallMs) {
    why_ = "the broker acknowledges nothing";
    return false;
  }
  if (nowMs - (sentMs_ < heardMs_ ? sentMs_ : heardMs_) >= kKeepAliveS * 667U && nowMs - sentMs_ >= 5000) {
    putPacket(out_, kPingreq, 0, std::string());
    sentMs_ = nowMs;
  }
  return true;
}

const char* MqttClient::takeWhy() {
  if (active_) return "";
  const char* why = why_;
  why_ = "";
  return why;
}

MqttEvent MqttClient::end(const char* why) {
  why_ = why;
  MqttEvent event;
  event.kind = MqttEventKind::disconnected;
  event.code = line_.distrusted() ? -1 : 1;
  reset();
  return event;
}

}  // namespace host
}  // namespace espalier
