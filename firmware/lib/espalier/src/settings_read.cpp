#include "broker_url.h"
#include "espalier/base64.h"
#include "espalier/json.h"
#include "espalier/secret.h"

namespace espalier {
namespace {

/** The longest URL: scheme, host, brackets, port. */
constexpr size_t kUrlBytes = sizeof(BrokerSettings::host) + 24;
constexpr size_t kKeyLetters = (sizeof(Settings::updateKey) + 2) / 3 * 4;

enum class Lines : uint8_t { one, many };

/** Does a string hold what can't be kept: NUL, or another control character? A PEM may have its line ends. */
bool hasControl(Json string, Lines lines) {
  const Text raw = string.raw();
  for (size_t i = 1; i + 1 < raw.size; i++) {
    if (raw.data[i] != '\\') continue;
    const char what = raw.data[++i];
    const bool coded = what == 'u' && raw.data[i + 1] == '0' && raw.data[i + 2] == '0' && raw.data[i + 3] < '2';
    const char low = coded ? static_cast<char>(raw.data[i + 4] | 0x20) : '\0';
    const bool lineEnd = what == 'n' || what == 'r' || (coded && raw.data[i + 3] == '0' && (low == 'a' || low == 'd'));
    if (lineEnd && lines == Lines::many) continue;
    if (lineEnd || coded || what == 'b' || what == 'f' || what == 't') return true;
  }
  return false;
}

/** A string of `least` to `most` bytes that can be kept. */
bool fits(Json value, size_t least, size_t most, Lines lines = Lines::one) {
  if (!value.is(JsonKind::string) || hasControl(value, lines)) return false;
  const size_t size = value.string(nullptr, 0);
  return size >= least && size <= most;
}

template <size_t kRoom>
void keep(Json value, char (&out)[kRoom]) {
  if (value.missing()) return;
  wipe(out, kRoom);
  (void)value.string(out, kRoom - 1);
}

bool isId(Json value) {
  char id[sizeof(Settings::id)];
  if (!fits(value, 1, sizeof id - 1)) return false;
  const size_t size = value.string(id, sizeof id);
  for (size_t i = 0; i < size; i++) {
    const char c = id[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && (i == 0 || (c != '_' && c != '-'))) return false;
  }
  return true;
}

/** Empty, or a PEM of this label that can be kept. */
SettingsFault pemFault(Json value, size_t room, Text label, SettingsFault fault) {
  if (value.missing()) return SettingsFault::none;
  if (!fits(value, 0, SIZE_MAX, Lines::many)) return fault;
  const size_t size = value.string(nullptr, 0);
  if (size == 0) return SettingsFault::none;
  if (size >= room) return SettingsFault::tooLong;
  constexpr Text kBegin = "-----BEGIN ";
  char first[40];
  if (value.string(first, sizeof first) < sizeof first || !Text(first, kBegin.size).equals(kBegin)) return fault;
  for (size_t i = kBegin.size; i + label.size <= sizeof first; i++)
    if (Text(first + i, label.size).equals(label)) return SettingsFault::none;
  return fault;
}

bool onlyKnown(Json object, const Text* names, size_t count) {
  for (JsonWalk walk(object); walk.next();) {
    bool known = false;
    for (size_t i = 0; i < count; i++) known = known || walk.name.says(names[i]);
    if (!known) return false;
  }
  return true;
}

bool wifiIsGood(Json wifi) {
  const Json password = wifi.member("password");
  if (!fits(wifi.member("ssid"), 0, sizeof(WifiSettings::ssid) - 1)) return false;
  if (password.missing()) return true;
  // WPA: 8 to 63 characters, or the 64 hex digits of the key itself; an open network has none.
  return fits(password, 0, sizeof(WifiSettings::password) - 1) && (password.string(nullptr, 0) == 0 || password.string(nullptr, 0) >= 8);
}

bool readUrl(Json value, BrokerUrl& out) {
  char url[kUrlBytes];
  if (!fits(value, 1, sizeof url)) return false;
  return readBrokerUrl(Text(url, value.string(url, sizeof url)), out);
}

/** Will there be both of certificate and key, or neither? */
bool arePair(Json broker, const BrokerSettings& now) {
  const Json certificate = broker.member("cert");
  const Json key = broker.member("key");
  const bool hasCertificate = certificate.missing() ? now.certificate[0] != '\0' : certificate.string(nullptr, 0) > 0;
  const bool hasKey = key.missing() ? now.key[0] != '\0' : key.string(nullptr, 0) > 0;
  return hasCertificate == hasKey;
}

SettingsFault brokerFault(Json broker, const BrokerSettings& now) {
  BrokerUrl url;
  if (!broker.member("url").missing() && !readUrl(broker.member("url"), url)) return SettingsFault::badBroker;
  const Json user = broker.member("user");
  const Json password = broker.member("password");
  if (!user.missing() && !fits(user, 0, sizeof now.user - 1)) return SettingsFault::badUser;
  if (!password.missing() && !fits(password, 0, sizeof now.password - 1)) return SettingsFault::badUser;
  SettingsFault fault = pemFault(broker.member("ca"), sizeof now.ca, "CERTIFICATE-----", SettingsFault::badCertificate);
  if (fault != SettingsFault::none) return fault;
  fault = pemFault(broker.member("cert"), sizeof now.certificate, "CERTIFICATE-----", SettingsFault::badCertificate);
  if (fault != SettingsFault::none) return fault;
  fault = pemFault(broker.member("key"), sizeof now.key, "PRIVATE KEY-----", SettingsFault::badKey);
  if (fault != SettingsFault::none) return fault;
  return arePair(broker, now) ? SettingsFault::none : SettingsFault::badKey;
}

bool readKey(Json value, uint8_t* out, size_t room, size_t& size) {
  char letters[kKeyLetters];
  if (!fits(value, 0, sizeof letters)) return false;
  return decodeBase64(Text(letters, value.string(letters, sizeof letters)), out, room, size);
}

/** null stands for absent, as everywhere on the wire. */
bool isObject(Json value) { return value.missing() || value.is(JsonKind::object); }

SettingsFault namesFault(Json object) {
  constexpr Text kNames[] = {"id", "wifi", "broker", "update_key"};
  constexpr Text kWifi[] = {"ssid", "password"};
  constexpr Text kBroker[] = {"url", "user", "password", "ca", "cert", "key"};
  const Json wifi = object.member("wifi");
  const Json broker = object.member("broker");
  const bool known = onlyKnown(object, kNames, 4) && (wifi.missing() || onlyKnown(wifi, kWifi, 2)) &&
                     (broker.missing() || onlyKnown(broker, kBroker, 6));
  return known ? SettingsFault::none : SettingsFault::unknownKey;
}

SettingsFault faultOf(Json object, const Settings& now, SettingsFrom from) {
  const Json id = object.member("id");
  const Json wifi = object.member("wifi");
  const Json broker = object.member("broker");
  const Json key = object.member("update_key");
  if (!isObject(wifi)) return SettingsFault::badWifi;
  if (!isObject(broker)) return SettingsFault::badBroker;
  if (from != SettingsFrom::flash && namesFault(object) != SettingsFault::none) return SettingsFault::unknownKey;
  if (from == SettingsFrom::network && !(id.missing() && key.missing())) return SettingsFault::notFromAfar;
  if (!id.missing() && !isId(id)) return SettingsFault::badId;
  if (!wifi.missing() && !wifiIsGood(wifi)) return SettingsFault::badWifi;
  uint8_t bytes[sizeof now.updateKey];
  size_t size = 0;
  if (!key.missing() && !readKey(key, bytes, sizeof bytes, size)) return SettingsFault::badUpdateKey;
  return broker.missing() ? SettingsFault::none : brokerFault(broker, now.broker);
}

void keepWifi(Json wifi, WifiSettings& into) {
  keep(wifi.member("ssid"), into.ssid);
  // The password belongs to the network: another one without a password is an open one.
  wipe(into.password, sizeof into.password);
  keep(wifi.member("password"), into.password);
}

void keepBroker(Json broker, BrokerSettings& into) {
  BrokerUrl url;
  if (!broker.member("url").missing() && readUrl(broker.member("url"), url)) {
    memcpy(into.host, url.host, sizeof into.host);
    into.port = url.port;
    into.tls = url.tls;
  }
  keep(broker.member("user"), into.user);
  keep(broker.member("password"), into.password);
  keep(broker.member("ca"), into.ca);
  keep(broker.member("cert"), into.certificate);
  keep(broker.member("key"), into.key);
}

}  // namespace

SettingsFault readSettings(Text document, Settings& into, SettingsFrom from) {
  Json object;
  const JsonFault broken = readObject(document, sizes::kSettingsBytes, object);
  if (broken != JsonFault::none) return broken == JsonFault::tooLarge ? SettingsFault::tooLong : SettingsFault::badJson;
  const SettingsFault fault = faultOf(object, into, from);
  if (fault != SettingsFault::none) return fault;
  keep(object.member("id"), into.id);
  if (!object.member("wifi").missing()) keepWifi(object.member("wifi"), into.wifi);
  if (!object.member("broker").missing()) keepBroker(object.member("broker"), into.broker);
  size_t size = 0;
  if (!object.member("update_key").missing() && readKey(object.member("update_key"), into.updateKey, sizeof into.updateKey, size))
    into.updateKeySize = static_cast<uint8_t>(size);
  return SettingsFault::none;
}

SettingsFaultText describe(SettingsFault fault) {
  switch (fault) {
    case SettingsFault::none:
      return {"none", ""};
    case SettingsFault::badJson:
      return {"bad_json", "this is no JSON object"};
    case SettingsFault::unknownKey:
      return {"unknown_key", "allowed: id, wifi{ssid,password}, broker{url,user,password,ca,cert,key}, update_key"};
    case SettingsFault::badId:
      return {"bad_id", "an id has 1 to 32 of A-Z a-z 0-9 _ -, the first a letter or digit"};
    case SettingsFault::badWifi:
      return {"bad_wifi", "ssid has up to 32 bytes, password 8 to 64, or none for an open network"};
    case SettingsFault::badBroker:
      return {"bad_broker", "allowed: mqtt://host:port or mqtts://host:port, nothing behind it"};
    case SettingsFault::badUser:
      return {"bad_user", "user has up to 32 bytes, password up to 128, no control characters"};
    case SettingsFault::badCertificate:
      return {"bad_certificate", "ca and cert are PEM: -----BEGIN CERTIFICATE-----"};
    case SettingsFault::badKey:
      return {"bad_key", "key is PEM (BEGIN PRIVATE KEY) and goes with a cert, cert with a key"};
    case SettingsFault::badUpdateKey:
      return {"bad_update_key", "update_key is a public key in DER, at most 128 bytes, as base64"};
    case SettingsFault::notFromAfar:
      return {"not_from_afar", "id and update_key are set at the cable alone"};
    case SettingsFault::tooLong:
      return {"too_long", "the document has at most 4080 bytes, a certificate 1535, a key 511"};
  }
  return {"none", ""};
}

}  // namespace espalier
