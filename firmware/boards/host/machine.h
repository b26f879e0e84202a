#pragma once
#include <string>

#include "clock.h"
#include "mqtt.h"

namespace espalier {
namespace host {

/** The host as the node's machine: chance, restart, the witness of commands, lines for a person on stderr (JSON, never a secret). */
class Machine final : public System {
 public:
  Machine(HostClock& clock, void (*atRestart)(), const char* reason) : clock_(clock), restart_(atRestart), resetReason_(reason) {}
  /** False: it can't be opened. */
  [[nodiscard]] bool openExecLog(const char* path);

  [[nodiscard]] uint32_t random() override;
  void restart() override { restart_(); }
  [[nodiscard]] Text resetReason() override { return Text(resetReason_, strlen(resetReason_)); }
  /** Not told: a process has what the machine has. */
  [[nodiscard]] uint32_t freeHeap() override { return 0; }
  [[nodiscard]] uint32_t largestFreeBlock() override { return 0; }
  void executing(Text id, Text command, Text params, uint32_t boot) override;
  void log(Text line) override;

 private:
  HostClock& clock_;
  void (*restart_)();
  const char* resetReason_;
  int execLog_ = -1;
};

/** The network is the machine's own, always there. */
class Wire final : public Link {
 public:
  explicit Wire(MqttClient& mqtt) : mqtt_(mqtt) {}
  void join(const WifiSettings&) override {}
  void leave() override {}
  [[nodiscard]] bool up() override { return true; }
  [[nodiscard]] bool rssi(int8_t&) override { return false; }
  [[nodiscard]] Text address() override;

 private:
  MqttClient& mqtt_;
  char address_[64] = {};
};

}  // namespace host
}  // namespace espalier
