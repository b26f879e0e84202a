#include "espalier/console.h"
#include "espalier/json_writer.h"
#include "espalier/secret.h"

/** Improv Wi-Fi over serial, as a browser speaks it: "IMPROV", version 1, type, length, data, the low byte of the sum of all before it. */
namespace espalier {
namespace {

constexpr size_t kTypeAt = sizeof kImprovMagic;
constexpr size_t kLengthAt = kTypeAt + 1;
constexpr size_t kDataAt = kLengthAt + 1;

constexpr uint8_t kStateFrame = 1;
constexpr uint8_t kErrorFrame = 2;
constexpr uint8_t kRpcFrame = 3;
constexpr uint8_t kResultFrame = 4;

constexpr uint8_t kWifi = 1;
constexpr uint8_t kCurrentState = 2;
constexpr uint8_t kDeviceInfo = 3;
constexpr uint8_t kScan = 4;

uint8_t sumOf(Span bytes, uint8_t before) {
  uint32_t sum = before;
  for (size_t i = 0; i < bytes.size; i++) sum += bytes.data[i];
  return static_cast<uint8_t>(sum);
}

/** Takes a length and as many bytes off the front. */
bool takeText(Span& from, Text& out) {
  if (from.size == 0 || from.data[0] > from.size - 1) return false;
  const size_t length = from.data[0];
  out = Text(reinterpret_cast<const char*>(from.data) + 1, length);
  from = Span(from.data + 1 + length, from.size - 1 - length);
  return true;
}

Text textOf(const char* text) { return Text(text, strlen(text)); }

}  // namespace

bool SerialConsole::feedFrame(uint8_t byte) {
  static_assert(kDataAt + 255 + 1 <= kOwnBytes, "the longest frame");
  buffer_[size_++] = static_cast<char>(byte);
  if (size_ <= kDataAt) return false;
  const size_t length = static_cast<uint8_t>(buffer_[kLengthAt]);
  if (size_ < kDataAt + length + 1) return false;
  if (handleFrame()) {
    reading_ = Reading::start;
    return true;
  }
  restart();
  return false;
}

bool SerialConsole::handleFrame() {
  const auto* bytes = reinterpret_cast<const uint8_t*>(buffer_);
  const uint8_t type = bytes[kTypeAt];
  heard_ = true;
  if (sumOf(Span(bytes, size_ - 1), 0) != bytes[size_ - 1]) {
    error(ImprovError::badRpc);
    return false;
  }
  // What a device says, not a browser: an echo.
  if (type != kRpcFrame) return false;
  const Span data(bytes + kDataAt, bytes[kLengthAt]);
  if (data.size < 2 || data.data[1] != data.size - 2) {
    error(ImprovError::badRpc);
    return false;
  }
  const Span payload(data.data + 2, data.size - 2);
  switch (data.data[0]) {
    case kWifi:
      return improvWifi(payload);
    case kCurrentState:
      state(state_);
      if (state_ == Improv::provisioned) sayUrl(kCurrentState);
      return false;
    case kDeviceInfo:
      deviceInfo();
      return false;
    case kScan:
      // We list no networks: the empty result ends the list.
      result(kScan, nullptr, 0);
      return false;
    default:
      error(ImprovError::unknownRpc);
      return false;
  }
}

bool SerialConsole::improvWifi(Span payload) {
  Text ssid;
  Text password;
  if (!takeText(payload, ssid) || !takeText(payload, password) || ssid.size == 0) {
    error(ImprovError::badRpc);
    return false;
  }
  JsonWriter document(lent_, kLineBytes);
  document.raw("{\"wifi\":{\"ssid\":").string(ssid).raw(",\"password\":").string(password).raw("}}");
  request_.kind = SerialRequest::Kind::improvWifi;
  request_.document = document.text();
  waiting_ = true;
  error(ImprovError::none);
  state(Improv::provisioning);
  return true;
}

void SerialConsole::deviceInfo() {
  const Text texts[] = {"espalier", build_.version, build_.board, textOf(id_)};
  result(kDeviceInfo, texts, 4);
}

void SerialConsole::provisioned(bool yes, Text url) {
  const size_t size = url.size < sizeof url_ ? url.size : 0;
  wipe(url_, sizeof url_);
  if (size > 0) memcpy(url_, url.data, size);
  const Improv now = yes ? Improv::provisioned : Improv::ready;
  const bool changed = now != state_;
  state_ = now;
  if (!changed && !waiting_) return;
  state(now);
  if (yes && waiting_) sayUrl(kWifi);
  waiting_ = false;
}

void SerialConsole::connectFailed() {
  if (!waiting_) return;
  waiting_ = false;
  error(ImprovError::cannotConnect);
  state(Improv::ready);
}

void SerialConsole::sayUrl(uint8_t command) {
  const Text url = textOf(url_);
  result(command, &url, url.size > 0 ? 1 : 0);
}

void SerialConsole::result(uint8_t command, const Text* texts, size_t count) {
  uint8_t data[255];
  size_t size = 2;
  for (size_t i = 0; i < count; i++) {
    const size_t length = texts[i].size;
    if (length + 1 > sizeof data - size) break;
    data[size++] = static_cast<uint8_t>(length);
    if (length > 0) memcpy(data + size, texts[i].data, length);
    size += length;
  }
  data[0] = command;
  data[1] = static_cast<uint8_t>(size - 2);
  frame(kResultFrame, Span(data, size));
}

void SerialConsole::state(Improv state) {
  state_ = state;
  const auto byte = static_cast<uint8_t>(state);
  frame(kStateFrame, Span(&byte, 1));
}

void SerialConsole::error(ImprovError error) {
  const auto byte = static_cast<uint8_t>(error);
  frame(kErrorFrame, Span(&byte, 1));
}

void SerialConsole::frame(uint8_t type, Span data) {
  if (!heard_) return;
  uint8_t head[kDataAt];
  memcpy(head, kImprovMagic, sizeof kImprovMagic);
  head[kTypeAt] = type;
  head[kLengthAt] = static_cast<uint8_t>(data.size);
  const uint8_t tail[2] = {sumOf(data, sumOf(Span(head, sizeof head), 0)), '\n'};
  serial_.write(Span(head, sizeof head));
  serial_.write(data);
  serial_.write(Span(tail, sizeof tail));
}

}  // namespace espalier
