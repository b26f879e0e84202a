#include "check.h"
#include "espalier/settings.h"

using espalier::encodeSettings;
using espalier::readSettings;
using espalier::Settings;
using espalier::SettingsFault;
using espalier::SettingsFrom;
using espalier::Text;

#define CA "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
#define KEY "-----BEGIN PRIVATE KEY-----\\nMIGH\\n-----END PRIVATE KEY-----\\n"

static bool says(const char* kept, Text wanted) { return Text(kept, strlen(kept)).equals(wanted); }

static bool isFault(Text document, SettingsFault wanted, SettingsFrom from = SettingsFrom::cable) {
  static Settings into;
  into = Settings();
  return readSettings(document, into, from) == wanted && into.id[0] == '\0' && into.broker.host[0] == '\0' && into.wifi.ssid[0] == '\0';
}

static bool goesTo(Text document, Text host, uint16_t port, bool tls) {
  static Settings into;
  into = Settings();
  if (readSettings(document, into) != SettingsFault::none) return false;
  return says(into.broker.host, host) && into.broker.port == port && into.broker.tls == tls;
}

static void testWhole(espalier::test::Check& check) {
  static Settings settings;
  static char out[espalier::sizes::kSettingsBytes];
  CHECK(readSettings("{\"id\":\"01\",\"wifi\":{\"ssid\":\"garden\",\"password\":\"long enough\"},"
                     "\"broker\":{\"url\":\"mqtts://pi.local\",\"user\":\"01\",\"password\":\"s\\\"3\\\\\",\"ca\":\"" CA
                     "\",\"cert\":\"" CA "\",\"key\":\"" KEY "\"},\"update_key\":\"AQID\"}",
                     settings) == SettingsFault::none);
  CHECK(settings.complete());
  CHECK(says(settings.id, "01"));
  CHECK(says(settings.wifi.ssid, "garden"));
  CHECK(says(settings.wifi.password, "long enough"));
  CHECK(says(settings.broker.host, "pi.local"));
  CHECK(settings.broker.port == 8883);
  CHECK(settings.broker.tls);
  CHECK(says(settings.broker.password, "s\"3\\"));
  CHECK(says(settings.broker.ca, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"));
  CHECK(settings.updateKeySize == 3 && settings.updateKey[2] == 3);

  // Written and read again it is the same, bytes behind the texts included.
  static Settings again;
  const size_t size = encodeSettings(settings, out, sizeof out);
  CHECK(size > 0);
  CHECK(readSettings(Text(out, size), again) == SettingsFault::none);
  CHECK(memcmp(&again.broker, &settings.broker, sizeof again.broker) == 0);
  CHECK(memcmp(&again.wifi, &settings.wifi, sizeof again.wifi) == 0);
  CHECK(memcmp(again.updateKey, settings.updateKey, sizeof again.updateKey) == 0 && again.updateKeySize == 3);

  // A part changes that part.
  CHECK(readSettings("{\"broker\":{\"user\":\"02\",\"password\":\"other\"}}", settings, SettingsFrom::network) == SettingsFault::none);
  CHECK(says(settings.broker.password, "other"));
  CHECK(says(settings.broker.host, "pi.local"));
  CHECK(says(settings.wifi.password, "long enough"));
  CHECK(readSettings("{\"broker\":{\"cert\":\"\",\"key\":\"\"}}", settings) == SettingsFault::none);
  CHECK(settings.broker.certificate[0] == '\0' && settings.broker.key[0] == '\0' && settings.broker.ca[0] == '-');
  // The password of one network is never shown to another.
  CHECK(readSettings("{\"wifi\":{\"ssid\":\"cafe\"}}", settings) == SettingsFault::none);
  CHECK(settings.wifi.password[0] == '\0');
  CHECK(encodeSettings(settings, out, 100) == 0);
}

static void testFaults(espalier::test::Check& check) {
  CHECK(isFault("", SettingsFault::badJson));
  CHECK(isFault("[]", SettingsFault::badJson));
  CHECK(isFault("{\"id\":\"01\",\"wifi\":\"garden\"}", SettingsFault::badWifi));
  CHECK(isFault("{\"id\":\"01\",\"broker\":\"mqtt://a\"}", SettingsFault::badBroker));
  CHECK(isFault("{\"id\":\"\"}", SettingsFault::badId));
  CHECK(isFault("{\"id\":\"-1\"}", SettingsFault::badId));
  CHECK(isFault("{\"id\":\"a b\"}", SettingsFault::badId));
  CHECK(isFault("{\"id\":\"012345678901234567890123456789012\"}", SettingsFault::badId));
  CHECK(isFault("{\"id\":1}", SettingsFault::badId));
  CHECK(isFault("{\"id\":\"01\",\"wifi\":{\"ssid\":\"012345678901234567890123456789012\"}}", SettingsFault::badWifi));
  CHECK(isFault("{\"id\":\"01\",\"wifi\":{\"ssid\":\"garden\",\"password\":\"seven77\"}}", SettingsFault::badWifi));
  CHECK(isFault("{\"id\":\"01\",\"wifi\":{\"ssid\":\"gar\\u0000den\"}}", SettingsFault::badWifi));
  CHECK(isFault("{\"wifi\":{\"password\":\"long enough\"}}", SettingsFault::badWifi));
  CHECK(isFault("{\"id\":\"01\",\"wifi\":{\"ssid\":\"garden\",\"passwort\":\"x\"}}", SettingsFault::unknownKey));
  CHECK(isFault("{\"id\":\"01\",\"wlan\":{}}", SettingsFault::unknownKey));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"user\":\"012345678901234567890123456789012\"}}", SettingsFault::badUser));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"password\":\"a\\nb\"}}", SettingsFault::badUser));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"ca\":\"MIIB\"}}", SettingsFault::badCertificate));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"ca\":\"" KEY "\"}}", SettingsFault::badCertificate));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"ca\":\"" CA "\\u0000\"}}", SettingsFault::badCertificate));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"cert\":\"" CA "\"}}", SettingsFault::badKey));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"key\":\"" KEY "\"}}", SettingsFault::badKey));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a\",\"key\":\"" CA "\",\"cert\":\"" CA "\"}}", SettingsFault::badKey));
  CHECK(isFault("{\"id\":\"01\",\"update_key\":\"AQI\"}", SettingsFault::badUpdateKey));
  CHECK(isFault("{\"id\":\"02\"}", SettingsFault::notFromAfar, SettingsFrom::network));
  CHECK(isFault("{\"update_key\":\"AQID\"}", SettingsFault::notFromAfar, SettingsFrom::network));

  // What a newer image wrote is read by an older one.
  static Settings into;
  into = Settings();
  CHECK(readSettings("{\"id\":\"01\",\"wlan\":{}}", into, SettingsFrom::flash) == SettingsFault::none);
  CHECK(says(into.id, "01"));

  static char many[espalier::sizes::kSettingsBytes + 1];
  memset(many, ' ', sizeof many);
  CHECK(isFault(Text(many, sizeof many), SettingsFault::tooLong));
  constexpr Text kFront = "{\"broker\":{\"ca\":\"-----BEGIN CERTIFICATE-----";
  constexpr Text kBack = "\"}}";
  memset(many, 'A', sizeof many);
  memcpy(many, kFront.data, kFront.size);
  memcpy(many + 1700, kBack.data, kBack.size);
  CHECK(isFault(Text(many, 1700 + kBack.size), SettingsFault::tooLong));

  for (int fault = 0; fault <= static_cast<int>(SettingsFault::tooLong); fault++)
    CHECK(espalier::describe(static_cast<SettingsFault>(fault)).code.size > 0);
}

static void testUrls(espalier::test::Check& check) {
  CHECK(goesTo("{\"broker\":{\"url\":\"mqtt://192.168.1.9\"}}", "192.168.1.9", 1883, false));
  CHECK(goesTo("{\"broker\":{\"url\":\"mqtt://pi.local:1884/\"}}", "pi.local", 1884, false));
  CHECK(goesTo("{\"broker\":{\"url\":\"mqtts:\\/\\/a-b.example\"}}", "a-b.example", 8883, true));
  CHECK(goesTo("{\"broker\":{\"url\":\"mqtts://[fd00::1]:65535\"}}", "fd00::1", 65535, true));
  CHECK(isFault("{\"broker\":{\"url\":\"pi.local\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"http://pi.local\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://a:b@pi\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://pi/mqtt\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://pi:0\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://pi:65536\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://pi:\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://[fd00::1\"}}", SettingsFault::badBroker));
  CHECK(isFault("{\"broker\":{\"url\":\"mqtt://fd00::1\"}}", SettingsFault::badBroker));
}

static const espalier::test::Unit whole("settings", testWhole);
static const espalier::test::Unit faults("settings_faults", testFaults);
static const espalier::test::Unit urls("settings_urls", testUrls);
