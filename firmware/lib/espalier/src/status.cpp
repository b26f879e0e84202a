#include "espalier/status.h"

#include "espalier/json_writer.h"

namespace espalier {
namespace {

/** To the millionth: closer than any sensor's range is known. */
JsonWriter& number(JsonWriter& json, double value) {
  constexpr double kLargest = 9e12;
  const double bounded = value > kLargest ? kLargest : value < -kLargest ? -kLargest : value;
  const double scaled = bounded * 1e6;
  auto whole = static_cast<int64_t>(scaled);
  const double rest = scaled - static_cast<double>(whole);
  if (rest >= 0.5) whole++;
  if (rest <= -0.5) whole--;
  return json.scaled(whole, 6);
}

JsonWriter& head(JsonWriter& json, Text id, bool online) {
  char node[sizes::kTopicBytes];
  JsonWriter text(node, sizeof node);
  text.raw("node_").raw(id);
  return json.raw("{\"node_id\":").string(text.text()).raw(",\"online\":").boolean(online);
}

JsonWriter& text(JsonWriter& json, Text key, Text value) {
  if (value.size == 0) return json;
  return json.raw(",\"").raw(key).raw("\":").string(value);
}

void firmware(JsonWriter& json, const StatusFacts& facts) {
  json.raw(",\"firmware\":{\"version\":").string(facts.version);
  text(json, "slot", facts.slot);
  json.raw(",\"confirmed\":").boolean(facts.confirmed).raw("}");
}

void sensors(JsonWriter& json, const StatusFacts& facts) {
  json.raw(",\"sensors\":[");
  for (size_t i = 0; i < facts.channelCount; i++) {
    const Channel& channel = facts.channels[i];
    json.raw(i > 0 ? Text(",{\"name\":") : Text("{\"name\":")).string(channel.name);
    text(json, "unit", channel.unit);
    if (channel.hasRange) {
      number(json.raw(",\"min\":"), channel.min);
      number(json.raw(",\"max\":"), channel.max);
    }
    json.raw("}");
  }
  json.raw("]");
}

void outputs(JsonWriter& json, const StatusFacts& facts) {
  json.raw(",\"outputs\":[");
  for (size_t i = 0; i < facts.outputCount; i++)
    json.raw(i > 0 ? Text(",{\"name\":") : Text("{\"name\":")).string(facts.outputs[i]).raw("}");
  json.raw("]");
}

size_t limited(size_t room) { return room < contract::kStatusBytes ? room : contract::kStatusBytes; }

}  // namespace

size_t encodeStatus(const StatusFacts& facts, char* out, size_t room) {
  JsonWriter json(out, limited(room));
  head(json, facts.id, true);
  if (facts.hasTime) json.raw(",\"timestamp\":").seconds(facts.unixMs);
  json.raw(",\"boot\":").whole(facts.boot);
  number(json.raw(",\"interval\":"), facts.intervalS);
  json.raw(",\"uptime\":").whole(facts.uptimeS);
  if (facts.hasRssi) json.raw(",\"wifi_rssi\":").whole(facts.rssi);
  text(json, "board", facts.board);
  json.raw(",\"virtual\":").boolean(facts.isVirtual);
  firmware(json, facts);
  text(json, "reset_reason", facts.resetReason);
  if (facts.freeHeap > 0) json.raw(",\"free_heap\":").whole(facts.freeHeap);
  if (facts.largestFreeBlock > 0) json.raw(",\"largest_free_block\":").whole(facts.largestFreeBlock);
  text(json, "ip", facts.ip);
  json.raw(",\"backlog\":").whole(facts.backlog).raw(",\"dropped\":").whole(facts.dropped);
  json.raw(",\"dropped_undatable\":").whole(facts.droppedUndatable);
  json.raw(",\"keep\":").string(facts.keepReceipt ? Text("receipt") : Text("puback"));
  json.raw(",\"caps\":[\"dedupe\"],\"config_rev\":").whole(facts.configRev);
  sensors(json, facts);
  outputs(json, facts);
  return json.raw("}").size();
}

size_t encodeWill(Text id, uint32_t boot, char* out, size_t room) {
  JsonWriter json(out, limited(room));
  return head(json, id, false).raw(",\"boot\":").whole(boot).raw("}").size();
}

size_t encodeGoodbye(Text id, uint32_t boot, Text reason, char* out, size_t room) {
  JsonWriter json(out, limited(room));
  head(json, id, false).raw(",\"boot\":").whole(boot);
  return text(json, "reason", reason).raw("}").size();
}

}  // namespace espalier
