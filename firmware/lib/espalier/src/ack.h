#pragma once
#include "espalier/command_memory.h"

namespace espalier {

/** What an ack says (wire contract §5). */
struct AckFacts {
  Text nodeId;
  CommandRecord texts;
  contract::AckState state = contract::AckState::accepted;
  /** 0: no clock. */
  int64_t unixMs = 0;
  bool hasProgress = false;
  uint8_t progress = 0;
  bool hasError = false;
  contract::CommandError error = contract::CommandError::unknownCommand;
};

/** Bytes written; 0: no room. */
[[nodiscard]] size_t encodeAck(const AckFacts& facts, char* out, size_t room);

}  // namespace espalier
