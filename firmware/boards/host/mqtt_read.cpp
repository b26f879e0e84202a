#include "mqtt.h"
#include "mqtt_packet.h"

/** What a broker says, packet by packet. */
namespace espalier {
namespace host {
namespace {

uint16_t get16(Text body, size_t at) {
  return static_cast<uint16_t>((static_cast<uint8_t>(body.data[at]) << 8) | static_cast<uint8_t>(body.data[at + 1]));
}

}  // namespace

MqttClient::Measure MqttClient::measure(size_t from) const {
  Measure out;
  size_t at = from + 1;
  for (unsigned shift = 0;; shift += 7) {
    if (at >= in_.size()) return out;
    out.wrong = shift > 21;
    if (out.wrong) return out;
    const auto digit = static_cast<uint8_t>(in_[at++]);
    out.length |= static_cast<size_t>(digit & 127U) << shift;
    if ((digit & 128U) == 0) break;
  }
  out.head = at - from;
  out.huge = out.length > kPacketBytes;
  out.whole = !out.huge && in_.size() - at >= out.length;
  return out;
}

int MqttClient::next(Packet& out) {
  const Measure found = measure(0);
  if (found.wrong) return -1;
  if (found.huge) return passOver(found) ? 0 : -1;
  if (!found.whole) return 0;
  const auto first = static_cast<uint8_t>(in_[0]);
  out.type = static_cast<uint8_t>(first >> 4);
  out.flags = first & 15U;
  out.body = Text(in_.data() + found.head, found.length);
  consumed_ = found.head + found.length;
  return 1;
}

/** A retained one would end every connection otherwise. What is behind it waits for the next poll. */
bool MqttClient::passOver(const Measure& huge) {
  const auto first = static_cast<uint8_t>(in_[0]);
  const uint8_t qos = (first >> 1) & 3U;
  if (!greeted_ || first >> 4 != kPublish || qos > 1) return false;
  const Text body(in_.data() + huge.head, in_.size() - huge.head);
  if (body.size < 2 || body.size < 2U + get16(body, 0) + 2U) return true;
  if (qos > 0) acknowledge(get16(body, 2U + get16(body, 0)));
  const size_t here = body.size < huge.length ? body.size : huge.length;
  passing_ = huge.length - here;
  in_.erase(0, huge.head + here);
  return true;
}

bool MqttClient::understand(const Packet& packet, MqttEvent& event) {
  switch (packet.type) {
    case kConnack:
      if (packet.body.size != 2 || greeted_) return false;
      event.code = static_cast<uint8_t>(packet.body.data[1]);
      event.kind = event.code == 0 ? MqttEventKind::connected : MqttEventKind::refused;
      greeted_ = event.code == 0;
      return true;
    case kSuback:
      if (packet.body.size < 3 || get16(packet.body, 0) != subscribeId_) return false;
      event.kind = MqttEventKind::subscribed;
      for (size_t i = 2; i < packet.body.size; i++)
        if (static_cast<uint8_t>(packet.body.data[i]) == 0x80) event.code = 0x80;
      return true;
    case kPuback:
      if (packet.body.size != 2) return false;
      event.kind = MqttEventKind::acknowledged;
      event.id = get16(packet.body, 0);
      if (unacknowledged_ > 0) unacknowledged_--;
      quietMs_ = realMs();
      return true;
    case kPublish:
      return published(packet, event);
    case kPingresp:
      return true;
    default:
      return false;
  }
}

bool MqttClient::published(const Packet& packet, MqttEvent& event) {
  const uint8_t qos = (packet.flags >> 1) & 3U;
  const Text body = packet.body;
  if (qos > 1 || body.size < 2) return false;
  const size_t topicSize = get16(body, 0);
  const size_t head = 2 + topicSize + (qos > 0 ? 2 : 0);
  if (body.size < head) return false;
  event.kind = MqttEventKind::message;
  event.topic = Text(body.data + 2, topicSize);
  event.payload = Text(body.data + head, body.size - head);
  event.retained = (packet.flags & 1U) != 0;
  event.duplicate = (packet.flags & 8U) != 0;
  if (qos > 0) owed_ = get16(body, 2 + topicSize);
  return true;
}

}  // namespace host
}  // namespace espalier
