#pragma once
#include "espalier/settings.h"

namespace espalier {

/** What an Improv frame begins with, its version behind it. */
constexpr char kImprovMagic[7] = {'I', 'M', 'P', 'R', 'O', 'V', 1};

/** What a person at the cable asked for. */
struct SerialRequest {
  enum class Kind : uint8_t { none, provision, status, factoryReset, improvWifi };
  Kind kind = Kind::none;
  /** The provisioning document (of Improv: only `wifi`); valid until the next poll(), which wipes it. */
  Text document;
};

/** What `status` answers at the cable. */
struct SerialStatus {
  /** Empty: not provisioned. */
  Text id;
  /** waiting (to be provisioned), network, time, broker, running. */
  Text state;
  /** The broker as "host:port"; empty: none. */
  Text broker;
  Text address;
  /** New settings are being tried. */
  bool trying = false;
  /** Why it is not running, in words; empty: nothing is known. */
  Text trouble;
};

/** The cable: JSON lines ({"provision":{…}}, {"status":true}, {"factory_reset":true}) and Improv frames on one port. Answers are JSON lines
 *  {"ok":true,…} or {"ok":false,"error","detail"}; a secret is never echoed. Half a frame or line is forgotten after a while; what is
 *  neither is passed over in silence, so that two ends that echo each other come to rest. */
class SerialConsole {
 public:
  /** Since the last byte of a frame, and of a line (somebody may be typing it). */
  static constexpr uint32_t kFrameMs = 500;
  static constexpr uint32_t kLineMs = 10000;

  /** The longest line: a document of the largest size, and what stands around it. */
  static constexpr size_t kLineBytes = sizes::kSettingsBytes + 32;

  /** `lent`: kLineBytes of somebody's, taken while borrowing() only: a document is rare, and no RAM is kept for it. */
  SerialConsole(Serial& serial, const Build& build, char* lent) : serial_(serial), build_(build), lent_(lent) {}
  /** Something long is coming in, or a document was handed out: whoever lent must not write there. */
  [[nodiscard]] bool borrowing() const { return buffer_ == lent_ || request_.document.size > 0; }
  /** At most one request a call; call it every step. */
  [[nodiscard]] SerialRequest poll(uint64_t nowMs);
  /** {"ok":true} or {"ok":false,"error":code,"detail":…}. `detail` may be empty. */
  void answer(bool ok, Text code, Text detail);
  /** Why a document was not taken. */
  void refuse(SettingsFault fault);
  void status(const SerialStatus& status);
  /** One line of JSON. */
  void say(Text line);
  /** The name Improv tells: the node's id. */
  void introduce(Text id);
  /** Improv: the state a browser waits for. `url`: where to look at the node; may be empty. Frames are written only to who spoke Improv. */
  void provisioned(bool yes, Text url);
  void connectFailed();

 private:
  enum class Improv : uint8_t { ready = 2, provisioning = 3, provisioned = 4 };
  enum class ImprovError : uint8_t { none = 0, badRpc = 1, unknownRpc = 2, cannotConnect = 3 };
  enum class Reading : uint8_t { start, line, frame, skipping };

  [[nodiscard]] bool feed(uint8_t byte);
  [[nodiscard]] bool feedLine(uint8_t byte);
  [[nodiscard]] bool feedFrame(uint8_t byte);
  void restart();
  [[nodiscard]] bool handleLine();
  [[nodiscard]] bool handleFrame();
  [[nodiscard]] bool improvWifi(Span payload);
  void deviceInfo();
  void sayUrl(uint8_t command);
  void result(uint8_t command, const Text* texts, size_t count);
  void frame(uint8_t type, Span data);
  void state(Improv state);
  void error(ImprovError error);

  Serial& serial_;
  const Build& build_;
  SerialRequest request_;
  Reading reading_ = Reading::start;
  Improv state_ = Improv::ready;
  /** Somebody spoke Improv since boot. */
  bool heard_ = false;
  /** A browser waits for what becomes of its Wi-Fi. */
  bool waiting_ = false;
  /** Bytes of "IMPROV" and its version seen so far. */
  uint8_t magic_ = 0;
  uint64_t lastByteMs_ = 0;
  size_t size_ = 0;
  char id_[33] = {};
  char url_[65] = {};
  /** A line begins here, and moves when it gets longer; a frame fits. */
  static constexpr size_t kOwnBytes = 300;
  char own_[kOwnBytes] = {};
  char* buffer_ = own_;
  char* lent_;
};

}  // namespace espalier
