#include "espalier/telemetry.h"

namespace espalier {
namespace {

/** ]} */
constexpr size_t kEndBytes = 2;

}  // namespace

Telemetry::Telemetry(const Head& head, char* out, size_t room)
    : batch_(head.batch), out_(out), json_(out, room < kEndBytes ? 0 : room - kEndBytes) {
  json_.raw("{\"node_id\":\"node_").raw(head.id).raw("\",\"boot\":").whole(head.boot).raw(",\"seq\":").whole(head.seq);
  json_.raw(",\"oldest\":{\"boot\":").whole(head.oldestBoot).raw(",\"seq\":").whole(head.oldestSeq);
  json_.raw(head.batch ? Text("},\"readings\":[") : Text("},"));
}

bool Telemetry::add(const Reading& reading, const Column* columns) {
  if (count_ >= (batch_ ? contract::kReadings : 1)) return false;
  const JsonWriter before = json_;
  if (batch_) json_.raw(count_ == 0 ? Text("{") : Text(",{"));
  json_.raw("\"timestamp\":").seconds(reading.unixMs).raw(",\"sensors\":");
  writeSensors(json_, reading, columns);
  if (reading.rssi != 0) json_.raw(",\"wifi_rssi\":").whole(reading.rssi);
  json_.raw(",\"uptime\":").whole(reading.uptimeS());
  if (batch_) json_.raw("}");
  if (json_.size() == 0) {
    json_ = before;
    return false;
  }
  count_++;
  return true;
}

Text Telemetry::finish() {
  if (count_ == 0) return Text();
  size_t size = json_.size();
  if (batch_) out_[size++] = ']';
  out_[size++] = '}';
  return Text(out_, size);
}

void writeSensors(JsonWriter& json, const Reading& reading, const Column* columns) {
  json.raw("{");
  for (size_t i = 0; i < reading.count; i++) {
    if (i > 0) json.raw(",");
    json.string(columns[i].name).raw(":");
    if (reading.values[i] == kNoValue) {
      json.raw("null");
    } else {
      json.scaled(reading.values[i], columns[i].decimals);
    }
  }
  json.raw("}");
}

}  // namespace espalier
