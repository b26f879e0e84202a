#pragma once
#include "espalier/image_marker.h"
#include "espalier/inbox.h"
#include "espalier/ports.h"

namespace espalier {

/** What an update came to. */
struct UpdateNews {
  enum class Kind : uint8_t {
    none,
    /** Another five percent stand in flash. */
    progress,
    /** This build has no memory for two connections: say `running`, leave the broker, then call brokerLeft(). Come back on any later news. */
    leaveBroker,
    /** The new image is the next to start: say goodbye, then System::restart(). Told once. */
    restart,
    /** Over, for commandId(): write it down, then call settled(). Told again in the next boot until that was called. */
    failed,
    done,
  };
  Kind kind = Kind::none;
  uint8_t percent = 0;
  /** Of `failed`. */
  contract::CommandError error = contract::CommandError::badManifest;
  Text message;
};

/** The update the node is at, as it stands in flash (`ota.job`), read by the image that began it and by the one it brings: the layout is for
 *  good, lowest byte first. */
struct UpdateJob {
  uint32_t magic;
  uint32_t size;
  uint8_t sha256[32];
  /** Which slot ran when it began: 0 for app0. */
  uint8_t oldSlot;
  uint8_t versionSize;
  uint8_t commandSize;
  uint8_t reserved;
  uint16_t urlSize;
  uint16_t reserved2;
  char version[sizeof(ImageMarker::version)];
  char command[contract::kShortBytes];
  char url[contract::kUpdateTextBytes];
  uint32_t crc;
};
static_assert(sizeof(UpdateJob) == 800, "as it stands in flash");

/** How far it is (`ota.a`, `ota.b`, the younger good one counts). */
struct UpdateMark {
  uint32_t magic;
  /** The CRC of the job it belongs to. */
  uint32_t job;
  uint32_t generation;
  /** Of the image, in flash for sure: a multiple of 4,096, or all of it. */
  uint32_t offset;
  /** How often it was made the next to start. */
  uint8_t selections;
  /** Boots since the last new sector. */
  uint8_t boots;
  /** 0: at it. 1: done. 2: failed. */
  uint8_t outcome;
  /** A contract::CommandError by its place. */
  uint8_t error;
  uint32_t crc;
};
static_assert(sizeof(UpdateMark) == 24, "as it stands in flash");

/** The update: manifest, download with resume, hash over flash, switch, trial, confirmation. Progress stands in flash at multiples of
 *  4,096, so that a power cut goes on where it was. The slot that runs is never touched; the other is not before the manifest is good. */
class Updater {
 public:
  Updater(Store& store, Slots& slots, Http& http, Crypto& crypto, System& system, const Build& build)
      : store_(store), slots_(slots), http_(http), crypto_(crypto), system_(system), build_(build) {}
  /** Once, at boot: finds out what became of the update of an earlier one. step() then tells `failed` or `done`, goes on with the download,
   *  or watches over the trial. */
  void begin(uint64_t nowMs);
  /** Checks the manifest alone: params, board, signature, version, size, memory. No error: it stands in flash and the download begins with
   *  step(). The same version again needs `force`, an older one also a build that allows it. `message` ends with NUL. */
  [[nodiscard]] bool start(const Command& command, Span publicKey, contract::CommandError& error, char* message, size_t room);
  /** A download, a switch or a trial is on, or its end is not settled(). */
  [[nodiscard]] bool busy() const { return phase_ != Phase::idle || trial_; }
  /** A piece of the work; at most some 60 ms (one flash sector). Call it at every turn, without a network too: the trial's time runs. */
  [[nodiscard]] UpdateNews step(uint64_t nowMs, bool linkUp);
  /** Answers `leaveBroker`. */
  void brokerLeft() { alone_ = true; }
  /** Evidence of the trial: the birth was acknowledged; a QoS 1 telemetry was. Confirms after birth and three, rolls back 5 min after boot. */
  void birthAcknowledged() { born_ = true; }
  void telemetryAcknowledged() {
    if (evidence_ < kEvidence) evidence_++;
  }
  [[nodiscard]] bool onTrial() const { return trial_; }
  [[nodiscard]] bool confirmed() const { return !trial_; }
  /** The command whose update this is; "" for none. */
  [[nodiscard]] Text commandId() const;
  /** The command's end stands in flash: the update may be forgotten. */
  void settled();
  void erase();

 private:
  enum class Phase : uint8_t { idle, leaving, opening, fetching, checking, switched, over };
  static constexpr uint8_t kEvidence = 3;

  /** update_manifest.cpp: into `job_`. */
  [[nodiscard]] const char* check(const Command& command, Span publicKey, contract::CommandError& error);
  [[nodiscard]] bool littleMemory() const;
  static constexpr char kLittleMemory[] = "less than 60 KB of memory in one piece";
  /** update_record.cpp */
  [[nodiscard]] bool saveJob();
  [[nodiscard]] bool loadJob();
  void loadMark();
  bool saveMark();
  void forget();
  /** update_download.cpp */
  UpdateNews open(uint64_t nowMs);
  UpdateNews fetch(uint64_t nowMs, bool linkUp);
  UpdateNews sectorDone();
  [[nodiscard]] bool startOver();
  UpdateNews lost(uint64_t nowMs);
  UpdateNews refused(uint64_t nowMs, int status);
  UpdateNews slotBroken();
  [[nodiscard]] uint8_t percent() const;
  /** update_switch.cpp */
  UpdateNews beginCheck();
  UpdateNews verify();
  UpdateNews judgeImage();
  UpdateNews change();
  UpdateNews tryOut(uint64_t nowMs);
  UpdateNews end(bool good, contract::CommandError error, Text message);

  Store& store_;
  Slots& slots_;
  Http& http_;
  Crypto& crypto_;
  System& system_;
  const Build& build_;

  UpdateJob job_ = {};
  UpdateMark mark_ = {};
  MarkerSearch search_;
  uint64_t bootMs_ = 0;
  /** Of the download in this boot. */
  uint64_t sinceMs_ = 0;
  uint64_t retryMs_ = 0;
  uint64_t heardMs_ = 0;
  /** The next byte to fetch, or to check; where the answer that comes was to begin. */
  uint32_t at_ = 0;
  uint32_t from_ = 0;
  Text message_;
  Phase phase_ = Phase::idle;
  uint8_t failures_ = 0;
  uint8_t refusals_ = 0;
  uint8_t toldPercent_ = 0;
  uint8_t evidence_ = 0;
  bool asking_ = false;
  bool alone_ = false;
  bool told_ = false;
  bool trial_ = false;
  bool born_ = false;
  bool givenUp_ = false;
};

static_assert(sizeof(Updater) <= 1536, "its share of the core's static memory");

}  // namespace espalier
