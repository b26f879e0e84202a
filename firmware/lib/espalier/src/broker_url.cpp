#include "broker_url.h"

#include "espalier/json_writer.h"

namespace espalier {
namespace {

constexpr uint16_t kPlainPort = 1883;
constexpr uint16_t kTlsPort = 8883;

bool takes(Text& from, Text prefix) {
  if (from.size < prefix.size || !Text(from.data, prefix.size).equals(prefix)) return false;
  from = Text(from.data + prefix.size, from.size - prefix.size);
  return true;
}

bool isHostLetter(char c, bool v6) {
  if ((c >= '0' && c <= '9') || c == '.') return true;
  if (v6) return c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool readPort(Text digits, uint16_t& out) {
  uint32_t port = 0;
  if (digits.size == 0 || digits.size > 5) return false;
  for (size_t i = 0; i < digits.size; i++) {
    if (digits.data[i] < '0' || digits.data[i] > '9') return false;
    port = port * 10 + static_cast<uint32_t>(digits.data[i] - '0');
  }
  if (port == 0 || port > UINT16_MAX) return false;
  out = static_cast<uint16_t>(port);
  return true;
}

}  // namespace

bool readBrokerUrl(Text url, BrokerUrl& out) {
  out = BrokerUrl();
  out.tls = takes(url, "mqtts://");
  if (!out.tls && !takes(url, "mqtt://")) return false;
  out.port = out.tls ? kTlsPort : kPlainPort;
  if (url.size > 0 && url.data[url.size - 1] == '/') url.size--;
  const bool v6 = takes(url, "[");
  size_t length = 0;
  while (length < url.size && isHostLetter(url.data[length], v6)) length++;
  if (length == 0 || length >= sizeof out.host) return false;
  memcpy(out.host, url.data, length);
  url = Text(url.data + length, url.size - length);
  if (v6 && !takes(url, "]")) return false;
  if (url.size == 0) return true;
  return takes(url, ":") && readPort(url, out.port);
}

size_t writeBrokerUrl(const BrokerSettings& broker, char* out, size_t room) {
  const Text host(broker.host, strlen(broker.host));
  const bool v6 = memchr(host.data, ':', host.size) != nullptr;
  JsonWriter text(out, room);
  text.raw(broker.tls ? Text("mqtts://") : Text("mqtt://"));
  if (v6) text.raw("[");
  text.raw(host);
  if (v6) text.raw("]");
  return text.raw(":").whole(broker.port).size();
}

}  // namespace espalier
