#pragma once
#include "espalier/inbox.h"
#include "espalier/ports.h"

namespace espalier {

/** One answer to a command; `id` empty where the command had none. Texts live in it. */
struct Ack {
  ShortText id;
  ShortText command;
  contract::AckState state = contract::AckState::accepted;
  /** JSON; "" for none. */
  char result[sizes::kAckResultBytes] = {};
  bool hasProgress = false;
  uint8_t progress = 0;
  bool hasError = false;
  contract::CommandError error = contract::CommandError::unknownCommand;
  char message[sizes::kAckMessageBytes] = {};
};

/** What a command did. `later`: it is running; finish() brings the final ack, over reboots too. `reboots`: accepted, done after the next birth. */
enum class Outcome : uint8_t { done, failed, rejected, later, reboots };

struct Effect {
  Outcome outcome = Outcome::done;
  contract::CommandError error = contract::CommandError::hardware;
  char message[sizes::kAckMessageBytes] = {};
  char result[sizes::kAckResultBytes] = {};
};

/** Executes a built-in, already judged and written ahead. The node implements it. */
class Executor {
 public:
  virtual Effect execute(contract::Builtin builtin, const Command& command, uint64_t nowMs) = 0;

 protected:
  ~Executor() = default;
};

/** Commands in, acks out. The id stands in flash before the effect, the final ack after it; 32 are remembered over reboots (`cmd.a`, `cmd.b`).
 *  No power cut executes anything twice. */
class Dispatcher {
 public:
  Dispatcher(Store& store, System& system, Executor& executor) : store_(store), system_(system), executor_(executor) {}
  /** Reads what is remembered. What had begun and has no final ack is `interrupted`, unless it was to end over a reboot. */
  void begin(uint32_t boot);

  struct Arrival {
    bool retained = false;
    bool duplicate = false;
    /** Unix ms; 0: no clock, then `expires` is not judged. */
    int64_t unixMs = 0;
    uint64_t nowMs = 0;
  };
  void receive(Text payload, const Arrival& arrival);

  /** Ends a command that is `later` or `reboots`. */
  void finish(Text id, contract::AckState state, const Effect& effect);
  void progress(Text id, uint8_t percent);
  /** The command that is to end over a reboot: its id, or false. */
  [[nodiscard]] bool pendingReboot(contract::Builtin& builtin, ShortText& id) const;

  /** The ack to send next: false when none is due. Encoded as JSON. It is due again on the next connection until delivered() (final ones). */
  [[nodiscard]] bool nextAck(Text nodeId, int64_t unixMs, char* out, size_t room, size_t& size, uint32_t& token);
  void sent(uint32_t token);
  void delivered(uint32_t token);
  void connected();
  void disconnected();
  void erase();

 private:
  Store& store_;
  System& system_;
  Executor& executor_;
};

}  // namespace espalier
