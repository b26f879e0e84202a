#pragma once
#include "espalier/loose_answers.h"

namespace espalier {

/** What a command did. `later`: it goes on; it ends by itself after `forMs` with this result, or (0) by finish(). `reboots`: accepted,
 *  done after the next birth. */
enum class Outcome : uint8_t { done, failed, later, reboots };

/** Empty when it is handed to an executor. Texts are NUL-terminated. */
struct Effect {
  Outcome outcome = Outcome::done;
  contract::CommandError error = contract::CommandError::hardware;
  uint32_t forMs = 0;
  char message[sizes::kAckMessageBytes] = {};
  /** JSON; "" for none. */
  char result[sizes::kAckResultBytes] = {};

  /** Empties it in place: on the stack another of them would be too much. */
  void clear();
  /** Cut to what fits. */
  void say(Text text);
  void fail(contract::CommandError code, Text text);
};

/** Executes what was judged and written ahead. The node implements it. */
class Executor {
 public:
  /** What stands against it beside the form of its params: no such output, a pulse that goes on, an update too many. True: `why` has
   *  error and message, and the command is rejected. Changes nothing. */
  [[nodiscard]] virtual bool refuses(contract::Builtin builtin, const Command& command, uint64_t nowMs, Effect& why) = 0;
  virtual void execute(contract::Builtin builtin, const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect) = 0;

  /** A firmware's own commands: is this one? */
  [[nodiscard]] virtual bool owns(Text) { return false; }
  [[nodiscard]] virtual bool refusesOwn(const Command&, uint64_t, Effect&) { return false; }
  /** Their names, for a person: "blink,measure". */
  [[nodiscard]] virtual Text ownNames() { return Text(); }
  virtual void executeOwn(const Command&, Ticket, uint64_t, Effect&) {}

 protected:
  ~Executor() = default;
};

/** Commands in, acks out. The id stands in flash before the effect, the final ack after it; 32 are remembered over reboots.
 *  No power cut executes anything twice. */
class Dispatcher {
 public:
  Dispatcher(Store& store, System& system, Executor& executor) : memory_(store), system_(system), executor_(executor) {}
  /** Reads what is remembered. What had begun and has no final ack is `interrupted`; a reboot is done; an update still goes on. */
  void begin(uint32_t boot);

  struct Arrival {
    bool retained = false;
    bool duplicate = false;
    /** Unix ms; 0: no clock, then `expires` is not judged. */
    int64_t unixMs = 0;
    uint64_t nowMs = 0;
  };
  void receive(Text payload, const Arrival& arrival);
  /** Ends what is over by now. */
  void step(uint64_t nowMs);

  /** Ends an execution that is `later` or `reboots`: `done` or `failed` with what the effect says. An unknown ticket is ignored. */
  void finish(Ticket ticket, const Effect& effect);
  void progress(Ticket ticket, uint8_t percent);
  /** The update an earlier boot began, while it has no end; the node must bring it one, so that it is not open for ever. */
  [[nodiscard]] bool pendingUpdate(Ticket& ticket) const;
  /** This one is to end by a restart: has its `accepted` been handed over? */
  [[nodiscard]] bool accepted(Ticket ticket);

  /** The ack to send next: false when none is due. Encoded as JSON. Final ones are due again on the next connection until delivered(). */
  [[nodiscard]] bool nextAck(Text nodeId, int64_t unixMs, char* out, size_t room, size_t& size, uint32_t& token);
  void sent(uint32_t token);
  /** It had its PUBACK. */
  void delivered(uint32_t token);
  void connected();
  void disconnected();
  /** Commands not executed and not answered: no command, retained, or repeated by MQTT without an id. */
  [[nodiscard]] uint32_t ignored() const { return ignored_; }
  void erase();

 private:
  /** What RAM alone knows of a place. */
  struct Run {
    /** Of one that ends by itself; 0: not. */
    uint64_t endMs = 0;
    uint8_t progress = 0;
    bool hasProgress = false;
    bool due = false;
    /** Begun by this boot. */
    bool here = false;
  };
  /** A command on its way through. */
  struct Case;

  void repeat(uint8_t place, const Case& c);
  [[nodiscard]] Judgement judge(Case& c);
  [[nodiscard]] bool refused(const Case& c, Judgement judged);
  void turnDown(const Case& c, contract::AckState state);
  [[nodiscard]] bool remember(uint8_t place, const Case& c, contract::AckState state);
  void rescue(uint8_t place);
  void execute(const Case& c);
  void executeLoose(const Case& c);
  void run(const Case& c, Ticket ticket);
  /** State and texts from `effect_`. */
  void settle(uint8_t place, contract::AckState state);
  void settleLoose(LooseAnswers::Answer& answer, contract::AckState state, const Effect& effect);
  void answerLoose(const Command& command, contract::AckState state);
  [[nodiscard]] uint8_t oldestUpdate() const;
  [[nodiscard]] uint8_t nextDue() const;
  [[nodiscard]] bool placeOf(Ticket ticket, uint8_t& place) const;
  [[nodiscard]] bool placeOfToken(uint32_t token, uint8_t& place) const;
  [[nodiscard]] Ticket ticketOf(uint8_t place) const;

  CommandMemory memory_;
  LooseAnswers loose_;
  System& system_;
  Executor& executor_;
  Run runs_[CommandMemory::kPlaces];
  /** What the command in hand did. */
  Effect effect_;
  uint32_t boot_ = 0;
  uint32_t ignored_ = 0;
};

/** Results of remembered commands stay in flash. */
static_assert(sizeof(Dispatcher) <= 8192, "the dispatcher's share of the core's static memory");

}  // namespace espalier
