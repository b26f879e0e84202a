#include "harness.h"
#include "espalier/inbox.h"

/** Whatever a broker may deliver: the first byte says on which topic. What was read must hold what its type promises. */
using namespace espalier;
using espalier::fuzz::must;

static void command(Text payload) {
  Command command;
  if (!readCommand(payload, command)) return;
  must(command.name.size > 0 && command.id.size <= sizeof command.id.bytes && command.name.size <= sizeof command.name.bytes);
  must(!command.hasExpires || command.expires - command.expires == 0);
  contract::Builtin builtin = contract::Builtin::ping;
  if (judgeBuiltin(command, builtin) == Judgement::good) must(static_cast<size_t>(builtin) < contract::kBuiltins);
}

static void receipts(Text payload) {
  Receipts receipts;
  if (!readReceipts(payload, receipts)) return;
  must(receipts.count >= 1 && receipts.count <= contract::kReceiptEntries);
  for (size_t i = 0; i < receipts.count; i++) {
    const Receipt& entry = receipts.entries[i];
    must(!entry.settled || entry.seen >= entry.seq);
  }
}

static void brokerStatus(Text payload) {
  BrokerStatus status;
  if (readBrokerStatus(payload, status)) must(!status.hasTimestamp || status.timestamp - status.timestamp == 0);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Text payload(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 3) {
    case 0: command(payload); break;
    case 1: receipts(payload); break;
    default: brokerStatus(payload); break;
  }
  return 0;
}
