#pragma once
#include "espalier/contract.gen.h"
#include "espalier/json.h"

namespace espalier {

/** What a node reads from the broker, as the contract's vectors have it. Everything here is a function of its arguments; what is no
 *  message is ignored, whole. */

/** A text of 1 to 64 characters, kept. Any character may stand in it, NUL too, so it has a length. */
struct ShortText {
  char bytes[contract::kShortBytes] = {};
  uint8_t size = 0;

  [[nodiscard]] Text text() const { return Text(bytes, size); }
};

/** A command's frame. `params` points into the payload. */
struct Command {
  /** Empty: without id. It is executed unless DUP or retained. */
  ShortText id;
  ShortText name;
  /** Absent where the message has none: then they are {}. */
  Json params;
  bool hasExpires = false;
  /** Unix seconds. */
  double expires = 0;
};

[[nodiscard]] bool readCommand(Text payload, Command& out);

/** What a built-in may be given, judged before it is executed: `none`, `unknown_command` or `bad_params`. */
enum class Judgement : uint8_t { good, unknownCommand, badParams };
[[nodiscard]] Judgement judgeBuiltin(const Command& command, contract::Builtin& out);
/** Says of what was judged not good what was there and what is allowed, NUL-terminated and cut to the room. `own`: commands that the
 *  firmware has beside the built-ins, "blink,measure". */
void explain(const Command& command, Judgement judged, contract::Builtin builtin, Text own, char* out, size_t room);

/** One entry of a receipt: of this boot all up to `seq` is settled; nothing yet while `settled` is false. */
struct Receipt {
  uint32_t boot = 0;
  bool settled = false;
  uint32_t seq = 0;
  uint32_t seen = 0;
  uint32_t rejected = 0;
};

struct Receipts {
  Receipt entries[contract::kReceiptEntries];
  size_t count = 0;
};

/** All entries or, when one of them is not one, none. */
[[nodiscard]] bool readReceipts(Text payload, Receipts& out);

/** What a node takes from iot/broker/status. */
struct BrokerStatus {
  bool saysReceipts = false;
  bool receipts = false;
  bool hasTimestamp = false;
  /** Unix seconds. */
  double timestamp = 0;
};

[[nodiscard]] bool readBrokerStatus(Text payload, BrokerStatus& out);

}  // namespace espalier
