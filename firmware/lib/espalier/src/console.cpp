#include "espalier/console.h"

#include "espalier/json.h"
#include "espalier/json_writer.h"
#include "espalier/secret.h"

namespace espalier {

SerialRequest SerialConsole::poll(uint64_t nowMs) {
  if (request_.kind != SerialRequest::Kind::none) restart();
  request_ = SerialRequest();
  const uint32_t patienceMs = reading_ == Reading::frame ? kFrameMs : kLineMs;
  if (reading_ != Reading::start && nowMs - lastByteMs_ > patienceMs) restart();
  uint8_t byte = 0;
  while (serial_.read(&byte, 1) == 1) {
    lastByteMs_ = nowMs;
    if (feed(byte)) return request_;
  }
  return request_;
}

/** True: a request is complete. */
bool SerialConsole::feed(uint8_t byte) {
  if (reading_ == Reading::frame) return feedFrame(byte);
  if (reading_ == Reading::line) return feedLine(byte);
  if (byte == '\n' || byte == '\r') {
    restart();
    return false;
  }
  if (reading_ == Reading::start && byte == '{') {
    reading_ = Reading::line;
    return feedLine(byte);
  }
  // Anything else is noise; a frame may begin in the middle of it.
  if (byte != ' ') reading_ = Reading::skipping;
  magic_ = static_cast<uint8_t>(byte == static_cast<uint8_t>(kImprovMagic[magic_]) ? magic_ + 1 : byte == 'I' ? 1 : 0);
  if (magic_ == sizeof kImprovMagic) {
    memcpy(buffer_, kImprovMagic, sizeof kImprovMagic);
    size_ = sizeof kImprovMagic;
    magic_ = 0;
    reading_ = Reading::frame;
  }
  return false;
}

bool SerialConsole::feedLine(uint8_t byte) {
  if (byte == '\n' || byte == '\r') {
    const bool tooLong = size_ > kLineBytes;
    if (tooLong) refuse(SettingsFault::tooLong);
    if (!tooLong && handleLine()) {
      reading_ = Reading::start;
      return true;
    }
    restart();
    return false;
  }
  if (size_ == kOwnBytes && buffer_ == own_) {
    memcpy(lent_, own_, kOwnBytes);
    wipe(own_, kOwnBytes);
    buffer_ = lent_;
  }
  if (size_ < kLineBytes) buffer_[size_] = static_cast<char>(byte);
  if (size_ <= kLineBytes) size_++;
  return false;
}

/** What stood here may have been a secret. */
void SerialConsole::restart() {
  wipe(buffer_, size_ < kLineBytes ? size_ : kLineBytes);
  if (request_.document.size > 0) wipe(lent_, kLineBytes);
  buffer_ = own_;
  reading_ = Reading::start;
  magic_ = 0;
  size_ = 0;
}

bool SerialConsole::handleLine() {
  Json line;
  if (readObject(Text(buffer_, size_), kLineBytes, line) != JsonFault::none) {
    answer(false, "bad_json", "a line is one JSON object: {\"provision\":{...}}, {\"status\":true} or {\"factory_reset\":true}");
    return false;
  }
  // An answer that came back: a terminal echoes.
  if (!line.member("ok").missing()) return false;
  const Json document = line.member("provision");
  if (document.is(JsonKind::object)) {
    request_.kind = SerialRequest::Kind::provision;
    request_.document = document.raw();
    return true;
  }
  const Json status = line.member("status");
  const Json reset = line.member("factory_reset");
  if (status.is(JsonKind::boolean) && status.boolean()) request_.kind = SerialRequest::Kind::status;
  if (reset.is(JsonKind::boolean) && reset.boolean()) request_.kind = SerialRequest::Kind::factoryReset;
  if (request_.kind != SerialRequest::Kind::none) return true;
  answer(false, "unknown_request", "allowed: {\"provision\":{...}}, {\"status\":true}, {\"factory_reset\":true}");
  return false;
}

void SerialConsole::answer(bool ok, Text code, Text detail) {
  char line[256];
  JsonWriter out(line, sizeof line);
  out.raw(ok ? Text("{\"ok\":true") : Text("{\"ok\":false"));
  if (!ok) out.raw(",\"error\":").string(code);
  if (detail.size > 0) out.raw(",\"detail\":").string(detail);
  say(out.raw("}").text());
}

void SerialConsole::refuse(SettingsFault fault) {
  const SettingsFaultText text = describe(fault);
  answer(false, text.code, text.detail);
}

void SerialConsole::status(const SerialStatus& status) {
  char line[640];
  JsonWriter out(line, sizeof line);
  out.raw("{\"ok\":true,\"status\":{\"id\":");
  if (status.id.size > 0)
    out.string(status.id);
  else
    out.raw("null");
  out.raw(",\"state\":").string(status.state);
  out.raw(",\"board\":").string(build_.board).raw(",\"version\":").string(build_.version);
  if (status.broker.size > 0) out.raw(",\"broker\":").string(status.broker);
  if (status.address.size > 0) out.raw(",\"ip\":").string(status.address);
  if (status.trying) out.raw(",\"trying\":true");
  if (status.trouble.size > 0) out.raw(",\"trouble\":").string(status.trouble);
  say(out.raw("}}").text());
}

void SerialConsole::say(Text line) {
  if (line.size == 0) return;
  const char end = '\n';
  serial_.write(Span(reinterpret_cast<const uint8_t*>(line.data), line.size));
  serial_.write(Span(reinterpret_cast<const uint8_t*>(&end), 1));
}

void SerialConsole::introduce(Text id) {
  const size_t size = id.size < sizeof id_ ? id.size : sizeof id_ - 1;
  wipe(id_, sizeof id_);
  if (size > 0) memcpy(id_, id.data, size);
}

}  // namespace espalier
