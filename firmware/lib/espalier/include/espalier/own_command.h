#pragma once
#include "espalier/dispatcher.h"

namespace espalier {

/** A command of this firmware's own, beside the contract's: one class in a file of `commands/`, one line in the board's list. It gets all that
 *  the others have: its id stands in flash before it is executed, it is executed once, and its answer arrives. */
class OwnCommand {
 public:
  /** [a-z][a-z0-9_]*, none of the contract's. */
  [[nodiscard]] virtual Text name() = 0;
  /** The params don't fit: say in `why` what is allowed. Changes nothing. */
  [[nodiscard]] virtual bool refuses(Json params, Effect& why) = 0;
  /** Does it, at most some 30 ms. What goes on for longer says `later` and `forMs`. */
  virtual void execute(Json params, Effect& effect) = 0;

 protected:
  ~OwnCommand() = default;
};

/** All of them, as the node asks for them. */
class OwnCommands {
 public:
  OwnCommands(OwnCommand* const* commands, size_t count);
  [[nodiscard]] bool owns(Text name) const { return find(name) != nullptr; }
  [[nodiscard]] bool refuses(const Command& command, Effect& why) const;
  void execute(const Command& command, Effect& effect) const;
  /** "blink,measure". */
  [[nodiscard]] Text names() const { return Text(names_, namesSize_); }

 private:
  [[nodiscard]] OwnCommand* find(Text name) const;
  OwnCommand* const* commands_;
  size_t count_;
  char names_[128] = {};
  size_t namesSize_ = 0;
};

}  // namespace espalier
