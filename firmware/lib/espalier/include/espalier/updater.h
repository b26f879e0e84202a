#pragma once
#include "espalier/inbox.h"
#include "espalier/ports.h"

namespace espalier {

struct Manifest {
  char url[contract::kUpdateTextBytes + 1] = {};
  ShortText board;
  ShortText version;
  uint32_t size = 0;
  uint8_t sha256[32] = {};
  uint8_t signature[80] = {};
  uint8_t signatureSize = 0;
  bool force = false;
};

/** What an update came to. */
struct UpdateNews {
  enum class Kind : uint8_t { none, progress, leaveBroker, restart, failed, done };
  Kind kind = Kind::none;
  uint8_t percent = 0;
  contract::CommandError error = contract::CommandError::badManifest;
  char message[sizes::kAckMessageBytes] = {};
};

/** The update: manifest, download with resume, hash over flash, switch, trial, confirmation. Progress stands in flash (`ota.a`, `ota.b`) at multiples of
 *  4,096, so that a power cut goes on where it was. The slot that runs is never touched; no slot is, before the manifest is good. */
class Updater {
 public:
  Updater(Store& store, Slots& slots, Http& http, Crypto& crypto, System& system, const Build& build)
      : store_(store), slots_(slots), http_(http), crypto_(crypto), system_(system), build_(build) {}
  /** Says what became of the update of an earlier boot: `none`, still on trial, `failed` with rolled_back, or to be gone on with. */
  void begin(uint64_t nowMs);
  /** Checks the manifest alone; touches nothing. `none` of the error: it was taken, and download begins with step(). */
  [[nodiscard]] bool start(const Command& command, Span publicKey, contract::CommandError& error, char* message, size_t room);
  [[nodiscard]] bool busy() const;
  /** A piece of the work; at most some 60 ms (one flash sector). */
  [[nodiscard]] UpdateNews step(uint64_t nowMs);
  /** Evidence of the trial: the birth was acknowledged; a QoS 1 telemetry was. Confirms after birth and three, rolls back 5 min after boot. */
  void birthAcknowledged();
  void telemetryAcknowledged();
  [[nodiscard]] bool onTrial() const;
  [[nodiscard]] bool confirmed() const { return !onTrial(); }
  void erase();

 private:
  Store& store_;
  Slots& slots_;
  Http& http_;
  Crypto& crypto_;
  System& system_;
  const Build& build_;
};

}  // namespace espalier
