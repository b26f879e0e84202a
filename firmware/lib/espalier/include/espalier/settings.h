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
  uint8_t updateKey[128] = {};
  uint8_t updateKeySize = 0;
};

/** Why a document is none. */
enum class SettingsFault : uint8_t { none, badJson, badId, badWifi, badBroker, badUser, badCertificate, badKey, tooLong };

/** Reads the document over `into`: what it does not name stays as it is. Nothing changes on a fault. */
[[nodiscard]] SettingsFault readSettings(Text document, Settings& into);

/** Two copies in flash under `creds.a` and `creds.b`, each framed with generation and CRC. A change is made before the old breaks: the new
 *  copy is `trying` until the node reached its broker with it, else the old is taken again, over reboots too. */
class SettingsSlots {
 public:
  explicit SettingsSlots(Store& store) : store_(store) {}
  /** False: there is none, the node waits to be provisioned. */
  [[nodiscard]] bool load(Settings& out);
  /** Writes the document (merged by the caller) beside the good one. It counts after load() again. */
  [[nodiscard]] bool attempt(Text document);
  [[nodiscard]] bool trying() const { return trying_; }
  [[nodiscard]] bool confirm();
  /** Forgets the new copy. */
  [[nodiscard]] bool giveUp();
  /** Both copies. */
  void erase();

 private:
  Store& store_;
  bool trying_ = false;
};

/** What `configure` sets for good, beside the network: small, in two copies under `conf.a`, `conf.b`. */
struct Configuration {
  uint32_t rev = 0;
  bool hasInterval = false;
  double intervalS = 10;
  /** Seconds without a broker until outputs take their safe value; 0: never. */
  uint32_t safeAfterS = 0;
  double safe[sizes::kOutputs] = {};
  /** Keep until receipt? Learned from the broker's status; reset when the broker changes. */
  bool keepKnown = false;
  bool keepReceipt = false;
};

class ConfigurationSlots {
 public:
  explicit ConfigurationSlots(Store& store) : store_(store) {}
  void load(Configuration& out);
  [[nodiscard]] bool save(const Configuration& configuration);
  void erase();

 private:
  Store& store_;
  uint32_t generation_ = 0;
};

}  // namespace espalier
