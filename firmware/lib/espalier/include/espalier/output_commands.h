#pragma once
#include "espalier/dispatcher.h"
#include "espalier/indicator.h"
#include "espalier/outputs.h"

namespace espalier {

/** set_led, set_output, pulse_output and identify: a part of the node's executor. Params are judged already. */
class OutputCommands {
 public:
  OutputCommands(Outputs& outputs, Indicator& indicator) : outputs_(outputs), indicator_(indicator) {}
  /** Is it one of the four? */
  [[nodiscard]] static bool has(contract::Builtin builtin);
  /** Also asked for `configure`: outputs that are not there. */
  [[nodiscard]] bool refuses(contract::Builtin builtin, const Command& command, Effect& why) const;
  void execute(contract::Builtin builtin, const Command& command, uint64_t nowMs, Effect& effect);

 private:
  [[nodiscard]] bool unknown(Json name, Effect& why) const;
  void setLed(Json params, uint64_t nowMs, Effect& effect);

  Outputs& outputs_;
  Indicator& indicator_;
};

}  // namespace espalier
