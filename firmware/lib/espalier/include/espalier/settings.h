#pragma once
#include "espalier/ports.h"

namespace espalier {

struct WifiSettings {
  char ssid[33] = {};
  char password[65] = {};
};

struct BrokerSettings {
  char host[128] = {};
  uint16_t port = 0;
  bool tls = false;
  char user[33] = {};
  char password[129] = {};
  /** PEM, NUL-terminated, "" for none. */
  char ca[sizes::kPemBytes] = {};
  char certificate[sizes::kPemBytes] = {};
  char key[512] = {};
};

/** How a node gets to its broker, and whose updates it trusts. The document `provision` brings, `node flash` writes and `configure` may
 *  change: {"id","wifi":{"ssid","password"},"broker":{"url","user","password","ca","cert","key"},"update_key"}, update_key in base64. */
struct Settings {
  char id[33] = {};
  WifiSettings wifi;
  BrokerSettings broker;
  /** SubjectPublicKeyInfo, DER. */
  uint8_t updateKey[128] = {};
  uint8_t updateKeySize = 0;

  /** It knows who it is and where to go. Wi-Fi alone (Improv) is not enough; a board on a cable needs none. */
  [[nodiscard]] bool complete() const { return id[0] != '\0' && broker.host[0] != '\0'; }
};

/** Why a document is none. */
enum class SettingsFault : uint8_t {
  none,
  badJson,
  unknownKey,
  badId,
  badWifi,
  badBroker,
  badUser,
  badCertificate,
  badKey,
  badUpdateKey,
  /** Who a node is and whose updates it trusts is said at the cable alone. */
  notFromAfar,
  tooLong,
};

/** For an answer: what is wrong, as a code, and what is allowed. */
struct SettingsFaultText {
  Text code;
  Text detail;
};
[[nodiscard]] SettingsFaultText describe(SettingsFault fault);

/** Where a document comes from. What stands in flash may have been written by a newer image: names nobody knows are passed over. */
enum class SettingsFrom : uint8_t { cable, network, flash };

/** Reads the document over `into`: what it does not name stays as it is, "" forgets. Nothing changes on a fault. */
[[nodiscard]] SettingsFault readSettings(Text document, Settings& into, SettingsFrom from = SettingsFrom::cable);

/** The whole document of these settings; bytes written, 0: no room. */
[[nodiscard]] size_t encodeSettings(const Settings& settings, char* out, size_t room);

/** Two copies in flash under `creds.a` and `creds.b`, each framed with generation and CRC. A change is made before the old breaks: the new
 *  copy is `trying` until the node reached its broker with it, else the old is taken again, over reboots too (`creds.t` counts them). At
 *  every moment one copy that was good stands whole in flash. */
class SettingsSlots {
 public:
  /** Loads with a copy that is trying, until it is given up. */
  static constexpr uint8_t kTries = 3;
  /** In front of the document. */
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kWorkBytes = kHeadBytes + sizes::kSettingsBytes;

  /** `work`: kWorkBytes of somebody's, used inside the calls and wiped by them. */
  SettingsSlots(Store& store, uint8_t* work) : store_(store), work_(work) {}
  /** The copy that counts now. False: there is none, the node waits to be provisioned. Each load of a copy that is trying counts as a try. */
  [[nodiscard]] bool load(Settings& out);
  /** Writes these beside the good copy, to be tried; they count from the next load() on. Where there is no good one there is nothing to go
   *  back to: then they are good at once. */
  [[nodiscard]] bool attempt(const Settings& settings);
  /** A person at the cable means it: good at once. */
  [[nodiscard]] bool replace(const Settings& settings);
  /** What load() gave is on trial: until confirm() or giveUp(). */
  [[nodiscard]] bool trying() const { return trying_; }
  /** The broker was reached with it: it is the good one from now on. */
  [[nodiscard]] bool confirm();
  /** Forgets the new copy; the good one counts from the next load() on. False: there is nothing to go back to. */
  [[nodiscard]] bool giveUp();
  /** Both copies. */
  void erase();

 private:
  /** A whole copy, or `there` false. */
  struct Copy {
    bool there = false;
    bool trying = false;
    uint32_t generation = 0;
    uint16_t size = 0;
    uint32_t crc = 0;
  };
  /** What stands in flash: [0] is creds.a. */
  struct Look {
    Copy copies[2];
    /** Index of the copy that was good, and of the one on trial; -1: none. */
    int8_t good = -1;
    int8_t trial = -1;
  };

  [[nodiscard]] Copy inspect(size_t slot);
  [[nodiscard]] Look look();
  [[nodiscard]] bool take(const Look& found, int8_t slot, Settings& out);
  [[nodiscard]] bool write(const Look& found, const Settings& settings, bool trying);
  [[nodiscard]] bool seal(size_t slot, uint32_t generation, size_t size, bool trying);
  [[nodiscard]] uint8_t tries(const Copy& copy);
  void countTry(const Copy& copy, uint8_t tries);
  void drop(int8_t slot);

  Store& store_;
  uint8_t* work_;
  bool trying_ = false;
};

/** What `configure` sets for good, beside the network: small, in two copies under `conf.a`, `conf.b`. */
struct Configuration {
  uint32_t rev = 0;
  bool hasInterval = false;
  double intervalS = 10;
  /** Seconds without a broker until outputs take their safe value; 0: at once. */
  uint32_t safeAfterS = 300;
  double safe[sizes::kOutputs] = {};
  /** Keep until receipt? Learned from the broker's status; reset when the broker changes. */
  bool keepKnown = false;
  bool keepReceipt = false;
};

class ConfigurationSlots {
 public:
  explicit ConfigurationSlots(Store& store) : store_(store) {}
  /** The newest whole copy; what was never saved is as a new Configuration has it. */
  void load(Configuration& out);
  /** After load(). False: flash is as it was, or the older copy counts. */
  [[nodiscard]] bool save(const Configuration& configuration);
  void erase();

 private:
  [[nodiscard]] bool read(Text name, uint32_t& generation, Configuration& out);

  Store& store_;
  uint32_t generation_ = 0;
};

}  // namespace espalier
