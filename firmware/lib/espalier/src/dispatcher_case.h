#pragma once
#include "espalier/dispatcher.h"

namespace espalier {

/** A command on its way through the dispatcher. */
struct Dispatcher::Case {
  const Command& command;
  uint64_t nowMs;
  uint32_t crc;
  contract::Builtin builtin;
  /** One of the firmware's own. */
  bool own;

  [[nodiscard]] uint8_t code() const { return own ? kOwnCommand : static_cast<uint8_t>(builtin); }
};

[[nodiscard]] inline Text textOf(const char* terminated) { return Text(terminated, strlen(terminated)); }

}  // namespace espalier
