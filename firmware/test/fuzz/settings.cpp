#include "harness.h"
#include "espalier/base64.h"
#include "espalier/console.h"
#include "espalier/secret.h"

/** What comes over the cable, and what stands in flash as settings. The first byte says which; what was read must come out of flash again
 *  as it went in. */
using namespace espalier;
using espalier::fuzz::must;

static Settings settings;
static Settings again;

static bool ends(const char* text, size_t room) { return memchr(text, '\0', room) != nullptr; }

static void document(Text text, SettingsFrom from) {
  static char out[sizes::kSettingsBytes];
  wipe(&settings, sizeof settings);
  wipe(&again, sizeof again);
  if (readSettings(text, settings, from) != SettingsFault::none) {
    must(memcmp(&settings, &again, sizeof again) == 0);
    return;
  }
  must(ends(settings.id, sizeof settings.id) && ends(settings.wifi.ssid, sizeof settings.wifi.ssid));
  must(ends(settings.wifi.password, sizeof settings.wifi.password) && ends(settings.broker.host, sizeof settings.broker.host));
  must(ends(settings.broker.ca, sizeof settings.broker.ca) && ends(settings.broker.key, sizeof settings.broker.key));
  must(settings.updateKeySize <= sizeof settings.updateKey);
  // Without a broker's address nothing of a broker is written down.
  const size_t size = settings.broker.host[0] == '\0' ? 0 : encodeSettings(settings, out, sizeof out);
  if (size == 0) return;
  must(readSettings(Text(out, size), again, SettingsFrom::flash) == SettingsFault::none);
  must(memcmp(&settings, &again, sizeof again) == 0);
}

class Flash final : public Store {
 public:
  Span bytes;
  [[nodiscard]] size_t read(Text, size_t offset, uint8_t* out, size_t room) override {
    if (offset >= bytes.size) return 0;
    const size_t size = room < bytes.size - offset ? room : bytes.size - offset;
    memcpy(out, bytes.data + offset, size);
    return size;
  }
  [[nodiscard]] bool write(Text, Span) override { return true; }
  [[nodiscard]] bool append(Text, Span) override { return true; }
  void remove(Text) override {}
};

static void flash(Span bytes) {
  static uint8_t work[SettingsSlots::kWorkBytes];
  Flash store;
  store.bytes = bytes;
  SettingsSlots slots(store, work);
  if (slots.load(settings)) must(slots.confirm());
  Configuration configuration;
  ConfigurationSlots(store).load(configuration);
}

class Wire final : public Serial {
 public:
  Span in;
  [[nodiscard]] size_t read(uint8_t* out, size_t room) override {
    const size_t size = room < in.size ? room : in.size;
    memcpy(out, in.data, size);
    in = Span(in.data + size, in.size - size);
    return size;
  }
  void write(Span bytes) override { must(bytes.size == 0 || bytes.data != nullptr); }
};

static void cable(Span bytes) {
  const Build build = {"board", "1.0.0", false};
  Wire wire;
  static char lent[SerialConsole::kLineBytes];
  SerialConsole console(wire, build, lent);
  wire.in = bytes;
  for (uint64_t now = 0; wire.in.size > 0; now += 100) {
    const SerialRequest request = console.poll(now);
    const bool brings = request.kind == SerialRequest::Kind::provision || request.kind == SerialRequest::Kind::improvWifi;
    must(brings == (request.document.size > 0));
    if (brings) document(request.document, SettingsFrom::cable);
    if (request.kind == SerialRequest::Kind::improvWifi) console.connectFailed();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Span rest(data + 1, size - 1);
  const Text text(reinterpret_cast<const char*>(rest.data), rest.size);
  uint8_t bytes[64];
  size_t got = 0;
  switch (data[0] % 6) {
    case 0: document(text, SettingsFrom::cable); break;
    case 1: document(text, SettingsFrom::network); break;
    case 2: document(text, SettingsFrom::flash); break;
    case 3: flash(rest); break;
    case 4: cable(rest); break;
    default:
      if (decodeBase64(text, bytes, sizeof bytes, got)) {
        char out[88];
        must(encodeBase64(Span(bytes, got), out, sizeof out) == text.size && memcmp(out, text.data, text.size) == 0);
      }
  }
  return 0;
}
