#pragma once
#include <string>

#include "line.h"

namespace espalier {
namespace host {

/** MQTT 3.1.1 over a line of our own: libmosquitto tells no DUP flag, repeats by itself, and wants keys in files. A packet is one connection's:
 *  nothing is kept over it, nothing repeated inside it. A message is acknowledged when the next event is asked for: then the core has taken
 *  it. Real time rules here (keep alive, time-outs), whatever clock the core is given. */
class MqttClient final : public Mqtt {
 public:
  /** `drops`: asked at each packet, true cuts the line. */
  explicit MqttClient(bool (*drops)()) : drops_(drops) {}

  void connect(const MqttConnect& how) override;
  [[nodiscard]] bool subscribe(const Text* filters, size_t count) override;
  [[nodiscard]] int32_t publish(Text topic, Text payload, uint8_t qos, bool retain) override;
  void disconnect() override;
  void abort() override;
  MqttEvent poll() override;

  [[nodiscard]] int socket() const { return line_.socket(); }
  /** For poll(2). */
  [[nodiscard]] bool wantsWrite() const { return line_.wantsWrite() || (open_ && !out_.empty()); }
  /** An event is here already, no byte will announce it. */
  [[nodiscard]] bool pending() const { return over_ || owed_ != 0 || (active_ && measure(consumed_).whole); }
  /** Of the last failure, for a person; told once, "" otherwise. */
  [[nodiscard]] const char* takeWhy();
  [[nodiscard]] const Line& line() const { return line_; }

 private:
  /** One packet that came, whole. */
  struct Packet {
    uint8_t type = 0;
    uint8_t flags = 0;
    Text body;
  };

  /** What stands in `in_` from there on. */
  struct Measure {
    bool whole = false;
    bool wrong = false;
    /** Larger than anything the contract knows. */
    bool huge = false;
    size_t head = 0;
    size_t length = 0;
  };

  [[nodiscard]] Measure measure(size_t from) const;
  [[nodiscard]] bool moveBytes();
  [[nodiscard]] bool flush();
  [[nodiscard]] bool keepAlive();
  /** 1: there is one, 0: not yet, -1: that is no MQTT. */
  [[nodiscard]] int next(Packet& out);
  /** The message that begins here goes by unread, acknowledged; false: it is none. */
  [[nodiscard]] bool passOver(const Measure& huge);
  void acknowledge(uint16_t id);
  [[nodiscard]] bool understand(const Packet& packet, MqttEvent& event);
  [[nodiscard]] bool published(const Packet& packet, MqttEvent& event);
  MqttEvent end(const char* why);
  void reset();

  bool (*drops_)();
  Line line_;
  const char* why_ = "";
  std::string out_;
  std::string in_;
  /** The packet the last event points into; goes at the next poll. */
  size_t consumed_ = 0;
  /** Of a huge message, still to come. */
  size_t passing_ = 0;
  /** PUBACK of the last message. */
  uint16_t owed_ = 0;
  uint16_t lastId_ = 0;
  uint16_t subscribeId_ = 0;
  uint64_t sentMs_ = 0;
  uint64_t heardMs_ = 0;
  uint64_t beganMs_ = 0;
  /** Sent with QoS 1 and without PUBACK; since when none came. */
  uint32_t unacknowledged_ = 0;
  uint64_t quietMs_ = 0;
  bool active_ = false;
  bool open_ = false;
  bool greeted_ = false;
  bool over_ = false;
};

}  // namespace host
}  // namespace espalier
