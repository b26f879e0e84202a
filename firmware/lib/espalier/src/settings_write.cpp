#include "broker_url.h"
#include "espalier/base64.h"
#include "espalier/json_writer.h"
#include "espalier/secret.h"

namespace espalier {
namespace {

void member(JsonWriter& out, Text before, const char* value) { out.raw(before).string(Text(value, strlen(value))); }

void writeBroker(JsonWriter& out, const BrokerSettings& broker) {
  char url[sizeof broker.host + 24];
  out.raw(",\"broker\":{\"url\":").string(Text(url, writeBrokerUrl(broker, url, sizeof url)));
  member(out, ",\"user\":", broker.user);
  member(out, ",\"password\":", broker.password);
  member(out, ",\"ca\":", broker.ca);
  member(out, ",\"cert\":", broker.certificate);
  member(out, ",\"key\":", broker.key);
  out.raw("}");
}

}  // namespace

size_t encodeSettings(const Settings& settings, char* out, size_t room) {
  JsonWriter document(out, room);
  document.raw("{");
  member(document, "\"wifi\":{\"ssid\":", settings.wifi.ssid);
  member(document, ",\"password\":", settings.wifi.password);
  document.raw("}");
  if (settings.id[0] != '\0') member(document, ",\"id\":", settings.id);
  if (settings.broker.host[0] != '\0') writeBroker(document, settings.broker);
  if (settings.updateKeySize > 0) {
    char letters[(sizeof settings.updateKey + 2) / 3 * 4];
    const size_t size = encodeBase64(Span(settings.updateKey, settings.updateKeySize), letters, sizeof letters);
    document.raw(",\"update_key\":").string(Text(letters, size));
  }
  const size_t size = document.raw("}").size();
  if (size == 0) wipe(out, room);
  return size;
}

}  // namespace espalier
