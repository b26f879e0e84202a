#include "ack.h"

#include "espalier/json_writer.h"

namespace espalier {

size_t encodeAck(const AckFacts& facts, char* out, size_t room) {
  char node[sizes::kTopicBytes];
  JsonWriter nodeText(node, sizeof node);
  nodeText.raw("node_").raw(facts.nodeId);
  JsonWriter json(out, room < contract::kAckBytes ? room : contract::kAckBytes);
  json.raw("{\"node_id\":").string(nodeText.text());
  if (facts.texts.id.size > 0) json.raw(",\"id\":").string(facts.texts.id);
  json.raw(",\"command\":").string(facts.texts.name);
  json.raw(",\"state\":").string(contract::kAckStateNames[static_cast<size_t>(facts.state)]);
  if (facts.unixMs > 0) json.raw(",\"timestamp\":").seconds(facts.unixMs);
  if (facts.hasProgress) json.raw(",\"progress\":").whole(facts.progress);
  // What is running has its result already where it ends by itself: the result belongs to `done`.
  if (facts.state == contract::AckState::done && facts.texts.result.size > 0) json.raw(",\"result\":").raw(facts.texts.result);
  if (facts.hasError) {
    json.raw(",\"error\":{\"code\":").string(contract::kCommandErrorNames[static_cast<size_t>(facts.error)]);
    Text message = facts.texts.message;
    if (message.size == 0 && facts.error == contract::CommandError::interrupted)
      message = "the node restarted while it ran; it is not run again";
    if (message.size > 0) json.raw(",\"message\":").string(message);
    json.raw("}");
  }
  return json.raw("}").size();
}

}  // namespace espalier
