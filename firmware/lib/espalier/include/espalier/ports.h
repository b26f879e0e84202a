#pragma once
#include "espalier/sizes.h"

/** What the core needs of a board. A board implements each in a file of its own; nothing here blocks longer than its comment says, and
 *  nothing calls back: the core asks, from step(). */
namespace espalier {

/** Bytes of somebody else's. */
struct Span {
  const uint8_t* data = nullptr;
  size_t size = 0;
  constexpr Span() = default;
  constexpr Span(const uint8_t* bytes, size_t length) : data(bytes), size(length) {}
};

struct WifiSettings;
struct BrokerSettings;

/** The way to the network. */
class Link {
 public:
  /** Begins to join; returns at once. Called again with other settings it leaves the first network. */
  virtual void join(const WifiSettings& wifi) = 0;
  virtual void leave() = 0;
  [[nodiscard]] virtual bool up() = 0;
  /** dBm; false: there is none (a cable). */
  [[nodiscard]] virtual bool rssi(int8_t& out) = 0;
  /** The own address as text, "" while it has none. Valid until the next call. */
  [[nodiscard]] virtual Text address() = 0;

 protected:
  ~Link() = default;
};

enum class MqttEventKind : uint8_t {
  none,
  /** CONNACK 0. */
  connected,
  /** CONNACK 1–5 in `code`: 4 and 5 are wrong credentials. The connection is over. */
  refused,
  /** SUBACK; `code` 0x80 where a filter was refused. */
  subscribed,
  /** PUBACK of `id`. */
  acknowledged,
  message,
  /** The connection is over, or never came to be. TLS trouble has `code` -1. */
  disconnected,
};

/** `topic` and `payload` are valid until the next poll(). */
struct MqttEvent {
  MqttEventKind kind = MqttEventKind::none;
  int32_t id = 0;
  int32_t code = 0;
  Text topic;
  Text payload;
  bool retained = false;
  bool duplicate = false;
};

struct MqttConnect {
  const BrokerSettings* broker = nullptr;
  Text clientId;
  /** QoS 1, retained. */
  Text willTopic;
  Text willPayload;
};

/** MQTT 3.1.1, clean session, keep alive 30 s, one connection. It keeps nothing over a connection and repeats nothing inside one: what
 *  has no PUBACK when it ends is the core's to send again. */
class Mqtt {
 public:
  /** Begins; `connected`, `refused` or `disconnected` follows. Texts are copied or stay valid: the core keeps them while connected. */
  virtual void connect(const MqttConnect& how) = 0;
  /** QoS 1, all filters in one packet or one each; one `subscribed` when all are answered. */
  [[nodiscard]] virtual bool subscribe(const Text* filters, size_t count) = 0;
  /** QoS 1 (id > 0, `acknowledged` follows) or 0 (any id ≥ 0). Negative: not now, try again. */
  [[nodiscard]] virtual int32_t publish(Text topic, Text payload, uint8_t qos, bool retain) = 0;
  /** Sends DISCONNECT, so that no will is published. No event follows. */
  virtual void disconnect() = 0;
  /** Drops the line as it is. No event follows. */
  virtual void abort() = 0;
  /** Moves bytes and tells the next event, `none` when there is none. */
  virtual MqttEvent poll() = 0;

 protected:
  ~Mqtt() = default;
};

class Clock {
 public:
  /** Milliseconds since boot; never goes back. */
  [[nodiscard]] virtual uint64_t nowMs() = 0;
  /** Unix ms now, as SNTP has it; false until it has answered. */
  [[nodiscard]] virtual bool sntp(int64_t& unixMs) = 0;

 protected:
  ~Clock() = default;
};

/** Small named things in flash (names ≤ 15 characters of [a-z0-9._]). Written when the call returns. A power cut inside write() or append()
 *  may leave the old bytes, the new ones, or half of the new ones with 0xFF or garbage behind: whoever writes frames with a CRC and
 *  keeps the older copy under another name. */
class Store {
 public:
  /** Bytes read from `offset`; 0 beyond the end, or where there is none of this name. */
  [[nodiscard]] virtual size_t read(Text name, size_t offset, uint8_t* out, size_t room) = 0;
  /** Replaces the whole. */
  [[nodiscard]] virtual bool write(Text name, Span bytes) = 0;
  [[nodiscard]] virtual bool append(Text name, Span bytes) = 0;
  virtual void remove(Text name) = 0;

 protected:
  ~Store() = default;
};

/** The two places of the firmware image, as the ESP32's bootloader has them. */
class Slots {
 public:
  /** Bytes an image may have. */
  [[nodiscard]] virtual size_t capacity() = 0;
  /** Opens the slot that does not run. `offset` 0: from then on its old content is no image any more. Otherwise goes on at `offset`, a
   *  multiple of 4,096, after a reboot too. */
  [[nodiscard]] virtual bool begin(size_t offset) = 0;
  [[nodiscard]] virtual bool write(Span bytes) = 0;
  /** Of the slot that does not run. */
  [[nodiscard]] virtual bool read(size_t offset, uint8_t* out, size_t size) = 0;
  /** Checks the image as the bootloader will, and makes it the next to start, on trial. Also without begin() in this boot. */
  [[nodiscard]] virtual bool select() = 0;
  /** The image in the slot that does not run was started on trial and given up, by itself or by a reset. */
  [[nodiscard]] virtual bool gaveUp() = 0;
  /** The running image is on trial: any reset before confirm() goes back to the other. */
  [[nodiscard]] virtual bool onTrial() = 0;
  [[nodiscard]] virtual bool confirm() = 0;
  /** Gives the trial up: restarts into the other. Does not return on a board. */
  virtual void rollBack() = 0;
  /** The slot that runs: "app0" or "app1". */
  [[nodiscard]] virtual Text running() = 0;

 protected:
  ~Slots() = default;
};

enum class HttpState : uint8_t { waiting, data, done, failed };

/** One download at a time over HTTPS, trusting the CA of the settings; redirects are failures. */
class Http {
 public:
  /** Begins GET with `Range: bytes=offset-` (none for 0); returns at once. A 206 that begins elsewhere is `failed`. */
  [[nodiscard]] virtual bool open(Text url, size_t offset) = 0;
  /** What is there, without waiting. `data`: `got` > 0. `done`: the body ended as its length said. */
  virtual HttpState read(uint8_t* out, size_t room, size_t& got) = 0;
  /** Of the answer: 200, 206, 404 …; 0 before it. */
  [[nodiscard]] virtual int status() = 0;
  virtual void close() = 0;

 protected:
  ~Http() = default;
};

class Crypto {
 public:
  virtual void sha256Begin() = 0;
  virtual void sha256Add(Span bytes) = 0;
  virtual void sha256End(uint8_t out[32]) = 0;
  /** ECDSA P-256 (no other curve) over this SHA-256, DER signature, by this public key (SubjectPublicKeyInfo, DER). */
  [[nodiscard]] virtual bool verify(Span publicKey, const uint8_t hash[32], Span signature) = 0;

 protected:
  ~Crypto() = default;
};

/** One value a sensor gives. Values travel and are stored as whole numbers of 10^-decimals: live and backlog are the same to the digit. */
struct Channel {
  Text name;
  /** As the contract's list has it, or up to 16 characters. */
  Text unit;
  bool hasRange = false;
  double min = 0;
  double max = 0;
  /** 0–6. */
  uint8_t decimals = 2;
};

class Sensor {
 public:
  virtual void begin() = 0;
  [[nodiscard]] virtual size_t channels(const Channel*& out) = 0;
  /** Starts a conversion; called so much before read(). */
  [[nodiscard]] virtual uint32_t leadMs() { return 0; }
  virtual void prepare() {}
  /** One value a channel; NaN: it failed. At most some 30 ms. */
  virtual void read(double* out) = 0;

 protected:
  ~Sensor() = default;
};

class Output {
 public:
  [[nodiscard]] virtual Text name() = 0;
  /** 0–1; an output that only switches rounds. False: the hardware did not do it. */
  [[nodiscard]] virtual bool set(double value) = 0;

 protected:
  ~Output() = default;
};

/** The light a person looks at. */
class Led {
 public:
  virtual void set(uint8_t brightness) = 0;

 protected:
  ~Led() = default;
};

/** The cable. */
class Serial {
 public:
  [[nodiscard]] virtual size_t read(uint8_t* out, size_t room) = 0;
  virtual void write(Span bytes) = 0;

 protected:
  ~Serial() = default;
};

class System {
 public:
  /** From the hardware, not from a seed. */
  [[nodiscard]] virtual uint32_t random() = 0;
  /** Does not return on a board. */
  virtual void restart() = 0;
  /** As the status says it: power_on, software, watchdog, brownout, panic, deep_sleep, other. */
  [[nodiscard]] virtual Text resetReason() = 0;
  [[nodiscard]] virtual uint32_t freeHeap() = 0;
  [[nodiscard]] virtual uint32_t largestFreeBlock() = 0;
  /** Called at the effect of a command itself, before it. The host's exec log; nothing on a board. `params` never holds a secret. */
  virtual void executing(Text id, Text command, Text params, uint32_t boot) = 0;
  /** A line for a person at the cable; never a secret. */
  virtual void log(Text line) = 0;

 protected:
  ~System() = default;
};

/** What the build is. `publicKey`: of updates, SubjectPublicKeyInfo, DER. */
struct Build {
  Text board;
  Text version;
  bool allowsDowngrade = false;
  /** No memory for two TLS connections: the broker is left while an image comes. */
  bool leavesBroker = false;
  /** A stand-in for a board: its status says so. */
  bool isVirtual = false;
};

class OwnCommand;

struct Ports {
  Link& link;
  Mqtt& mqtt;
  Clock& clock;
  Store& store;
  Slots& slots;
  Http& http;
  Crypto& crypto;
  Led& led;
  Serial& serial;
  System& system;
  Sensor* const* sensors;
  size_t sensorCount;
  Output* const* outputs;
  size_t outputCount;
  /** Beside the contract's; none is fine. */
  OwnCommand* const* commands = nullptr;
  size_t commandCount = 0;
};

}  // namespace espalier
