#pragma once
#include "espalier/connection.h"
#include "espalier/console.h"
#include "espalier/dispatcher.h"
#include "espalier/indicator.h"
#include "espalier/json_writer.h"
#include "espalier/output_commands.h"
#include "espalier/outputs.h"
#include "espalier/own_command.h"
#include "espalier/recorder.h"
#include "espalier/schedule.h"
#include "espalier/status.h"
#include "espalier/updater.h"

namespace espalier {

/** The node: everything joined, and what happens meanwhile. In: the ports of a board, asked from step(). Out: what the wire contract has a
 *  node say. A board makes one, calls begin() once and step() as often as it likes (every 50 ms does); a step never blocks longer than a
 *  flash sector takes. Never more than eight own messages without PUBACK, nothing before its birth, nothing after its goodbye. */
class Node final : private Executor {
 public:
  struct Options {
    /** Readings kept at most; 0: as many as flash holds. */
    uint32_t ringReadings = 0;
    /** Seconds; what `configure` set counts more. */
    double intervalS = 10;
  };

  Node(const Ports& ports, const Build& build, const Options& options);
  void begin();
  void step();
  /** Says goodbye and leaves for good; stopped() follows within two seconds of step(). */
  void stop();
  [[nodiscard]] bool stopped() const { return leaving_ == Leaving::stopped; }

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] uint32_t boot() const { return boot_; }
  [[nodiscard]] Connection::Phase phase() const { return connection_.phase(); }
  /** Readings taken in this boot. */
  [[nodiscard]] uint32_t taken() const { return taken_; }
  /** Readings whose message was acknowledged, each time it was. */
  [[nodiscard]] uint32_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] const Recorder& recorder() const { return recorder_; }
  /** Work is waiting that no event will announce: call step() again at once. */
  [[nodiscard]] bool busy() const { return updater_.busy() && !updater_.onTrial(); }

 private:
  /** New settings must bring a birth to their broker within this. */
  static constexpr uint32_t kSettingsTrialMs = 60000;

  enum class Sent : uint8_t { nothing, birth, status, ack, telemetry, goodbye };
  struct InFlight {
    int32_t id = 0;
    Sent what = Sent::nothing;
    uint32_t token = 0;
    Outgoing readings;
  };
  /** Why it goes away from its broker. The goodbye's reason, and what comes after it, hang on it. */
  enum class Leaving : uint8_t { no, reboot, update, download, network, stop, stopped };
  enum class Topic : uint8_t { telemetry, status, ack, command, receipt };

  // node_wire.cpp: what is said and heard.
  void hear(uint64_t nowMs);
  void handle(const MqttEvent& event, uint64_t nowMs);
  void onMessage(const MqttEvent& event, uint64_t nowMs);
  void onBrokerStatus(const MqttEvent& event, uint64_t nowMs);
  void onAcknowledged(int32_t id, uint64_t nowMs);
  void act(Connection::Do what, uint64_t nowMs);
  void lineOver(uint64_t nowMs);
  void pump(uint64_t nowMs);
  void pumpAcks(uint64_t nowMs);
  bool publish(Topic topic, Text payload, const InFlight& what);
  bool sendStatus(Sent what, uint64_t nowMs);
  [[nodiscard]] size_t waiting() const;
  [[nodiscard]] Text topic(Topic which);
  [[nodiscard]] Text idText() const { return Text(settings_.id, strlen(settings_.id)); }

  // node_leave.cpp: ways out.
  void leave(Leaving why, uint64_t nowMs);
  void leaveStep(uint64_t nowMs);
  void left(uint64_t nowMs);

  // node_settings.cpp: make before break, and the cable.
  [[nodiscard]] bool changeNetwork(uint64_t nowMs);
  void trialStep(uint64_t nowMs);
  void trialPassed(uint64_t nowMs);
  void trialFailed(uint64_t nowMs);
  void forgetUnused();
  void cableStep(uint64_t nowMs);
  void provision(Text document, bool improv, uint64_t nowMs);
  void factoryReset(uint64_t nowMs);
  void describe(SerialStatus& out, char* broker, size_t room);

  // node.cpp
  void takeReading(uint64_t nowMs, bool asked);
  void answerReads();
  void updateStep(uint64_t nowMs);
  void setInterval(double seconds, uint64_t nowMs);
  void applyConfiguration(const Configuration& next, uint64_t nowMs);
  [[nodiscard]] int64_t unixMs(uint64_t nowMs) const;
  void log(Text line) { ports_.system.log(line); }

  // executor.cpp
  bool refuses(contract::Builtin builtin, const Command& command, uint64_t nowMs, Effect& why) override;
  void execute(contract::Builtin builtin, const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect) override;
  [[nodiscard]] bool owns(Text name) override { return ownCommands_.owns(name); }
  [[nodiscard]] bool refusesOwn(const Command& command, uint64_t, Effect& why) override { return ownCommands_.refuses(command, why); }
  [[nodiscard]] Text ownNames() override { return ownCommands_.names(); }
  void executeOwn(const Command& command, Ticket, uint64_t, Effect& effect) override { ownCommands_.execute(command, effect); }
  [[nodiscard]] bool refusesNetwork(Json network, Effect& why);
  void configure(const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect);

  Ports ports_;
  Build build_;
  Options options_;
  WallClock clock_;
  Recorder recorder_;
  Outputs outputs_;
  Indicator indicator_;
  OutputCommands outputCommands_;
  OwnCommands ownCommands_;
  Dispatcher dispatcher_;
  Schedule schedule_;
  Updater updater_;
  /** Payloads on their way out, one at a time; the settings' scratch; lent to the cable while a document comes in. Before those who get it. */
  alignas(8) char out_[SerialConsole::kLineBytes] = {};
  SerialConsole console_;
  SettingsSlots settingsSlots_;
  ConfigurationSlots configurationSlots_;
  Connection connection_;

  Settings settings_;
  Configuration configuration_;
  /** What a `configure` with `network` brings beside it; it counts when the new network did. */
  Configuration nextConfiguration_;
  Channel channels_[sizes::kChannels];
  size_t channelCount_ = 0;
  InFlight inFlight_[sizes::kWindow + 1];
  char topic_[sizes::kTopicBytes] = {};
  char will_[160] = {};
  char willTopic_[sizes::kTopicBytes] = {};
  Ticket readTickets_[contract::kCommandsInFlight] = {};
  uint8_t readTicketCount_ = 0;

  uint32_t boot_ = 0;
  uint32_t taken_ = 0;
  uint32_t acknowledged_ = 0;
  uint64_t bootMs_ = 0;
  uint64_t statusAtMs_ = 0;
  uint64_t sntpAtMs_ = 0;
  uint64_t leaveByMs_ = 0;
  /** New settings must reach their broker by then; 0: none are tried. */
  uint64_t trialByMs_ = 0;
  int32_t trouble_ = 0;
  Ticket leaveTicket_ = 0;
  Ticket networkTicket_ = 0;
  Ticket updateTicket_ = 0;
  Leaving leaving_ = Leaving::no;
  bool complete_ = false;
  bool sntp_ = false;
  bool connected_ = false;
  bool birthDue_ = false;
  bool statusDue_ = false;
  bool goodbyeSaid_ = false;
  bool hasLeaveTicket_ = false;
  bool hasNetworkTicket_ = false;
  bool hasUpdateTicket_ = false;
  /** settings_ holds what was only looked at. */
  bool settingsUnused_ = false;
  bool improvWaits_ = false;
  bool wasRefused_ = false;
};

static_assert(sizeof(void*) != 4 || sizeof(Node) <= sizes::kNodeBytes, "all that the core keeps in RAM, where the data model is the board's");

}  // namespace espalier
