#include "espalier/inbox.h"

namespace espalier {
namespace {

bool shortText(Json value, ShortText& out) {
  if (!value.is(JsonKind::string)) return false;
  const size_t characters = value.characters();
  if (characters < 1 || characters > contract::kShortCharacters) return false;
  out.size = static_cast<uint8_t>(value.string(out.bytes, sizeof out.bytes));
  return true;
}

/** 1e400 is a number in JSON's grammar and none on the wire. */
bool isFinite(Json value) { return value.is(JsonKind::number) && value.number() - value.number() == 0; }

}  // namespace

bool readCommand(Text payload, Command& out) {
  Json object;
  if (readObject(payload, contract::kCommandBytes, object) != JsonFault::none) return false;
  const Json id = object.member("id");
  const Json expires = object.member("expires");
  out.id.size = 0;
  if (!id.missing() && !shortText(id, out.id)) return false;
  if (!shortText(object.member("command"), out.name)) return false;
  if (!expires.missing() && !isFinite(expires)) return false;
  out.hasExpires = !expires.missing();
  out.expires = out.hasExpires ? expires.number() : 0;
  out.params = object.member("params");
  if (out.params.missing()) out.params = Json();
  return true;
}

bool readReceipts(Text payload, Receipts& out) {
  Json object;
  out.count = 0;
  if (readObject(payload, contract::kReceiptBytes, object) != JsonFault::none) return false;
  const Json list = object.member("receipts");
  if (!list.is(JsonKind::array)) return false;
  size_t count = 0;
  for (JsonWalk walk(list); walk.next(); count++) {
    if (count == contract::kReceiptEntries || !walk.value.is(JsonKind::object)) return false;
    Receipt& entry = out.entries[count];
    const Json seq = walk.value.member("seq");
    const Json rejected = walk.value.member("rejected");
    entry = Receipt();
    entry.settled = !seq.is(JsonKind::null);
    if (entry.settled && !seq.whole(UINT32_MAX, entry.seq)) return false;
    if (!walk.value.member("boot").whole(UINT32_MAX, entry.boot)) return false;
    if (!walk.value.member("seen").whole(UINT32_MAX, entry.seen)) return false;
    if (!rejected.missing() && !rejected.whole(UINT32_MAX, entry.rejected)) return false;
    if (entry.settled && entry.seq > entry.seen) return false;
  }
  out.count = count;
  return count > 0;
}

bool readBrokerStatus(Text payload, BrokerStatus& out) {
  Json object;
  out = BrokerStatus();
  if (readObject(payload, contract::kBrokerStatusBytes, object) != JsonFault::none) return false;
  const Json receipts = object.member("receipts");
  const Json timestamp = object.member("timestamp");
  out.saysReceipts = receipts.is(JsonKind::boolean);
  out.receipts = out.saysReceipts && receipts.boolean();
  out.hasTimestamp = isFinite(timestamp);
  out.timestamp = out.hasTimestamp ? timestamp.number() : 0;
  return true;
}

}  // namespace espalier
