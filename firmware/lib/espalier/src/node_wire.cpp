#include "espalier/node.h"

/** What the node says and hears at its broker (wire contract §5). */
namespace espalier {
namespace {

constexpr uint32_t kStatusEveryMs = 60000;
/** On trial (wire contract §6). */
constexpr uint32_t kTrialStatusEveryMs = 10000;
/** From there on it would be milliseconds, and further on no int64_t. */
constexpr double kSecondsEnd = 1e11;
/** Events in one step at most, so that a flood does not keep the rest waiting. */
constexpr int kEventsAStep = 32;

constexpr Text kSuffixes[] = {contract::kTelemetrySuffix, contract::kStatusSuffix, contract::kAckSuffix, contract::kCommandSuffix,
                              contract::kReceiptSuffix};

}  // namespace

Text Node::topic(Topic which) {
  JsonWriter writer(topic_, sizeof topic_);
  writer.raw(contract::kNodePrefix).raw(idText()).raw(kSuffixes[static_cast<size_t>(which)]);
  return writer.text();
}

void Node::act(Connection::Do what, uint64_t nowMs) {
  switch (what) {
    case Connection::Do::nothing:
      return;
    case Connection::Do::join:
      ports_.link.join(settings_.wifi);
      return;
    case Connection::Do::connect: {
      MqttConnect how;
      how.broker = &settings_.broker;
      how.clientId = idText();
      const Text status = topic(Topic::status);
      memcpy(willTopic_, status.data, status.size);
      how.willTopic = Text(willTopic_, status.size);
      how.willPayload = Text(will_, encodeWill(idText(), boot_, will_, sizeof will_));
      ports_.mqtt.connect(how);
      return;
    }
    case Connection::Do::subscribe: {
      char command[sizes::kTopicBytes];
      const Text own = topic(Topic::command);
      memcpy(command, own.data, own.size);
      const Text filters[] = {Text(command, own.size), topic(Topic::receipt), contract::kBrokerStatusTopic};
      if (!ports_.mqtt.subscribe(filters, 3)) {
        ports_.mqtt.abort();
        handle({MqttEventKind::disconnected, 0, 0, Text(), Text(), false, false}, nowMs);
      }
      return;
    }
    case Connection::Do::birth:
      connected_ = true;
      wasRefused_ = false;
      trouble_ = 0;
      log("running");
      recorder_.setId(idText());
      recorder_.connected(nowMs);
      dispatcher_.connected();
      outputs_.connected(true, nowMs);
      birthDue_ = true;
      return;
    case Connection::Do::abort:
      ports_.mqtt.abort();
      lineOver(nowMs);
      return;
  }
}

void Node::lineOver(uint64_t nowMs) {
  for (InFlight& one : inFlight_) one = InFlight();
  birthDue_ = false;
  if (!connected_) return;
  connected_ = false;
  recorder_.disconnected();
  dispatcher_.disconnected();
  outputs_.connected(false, nowMs);
}

void Node::hear(uint64_t nowMs) {
  for (int i = 0; i < kEventsAStep; i++) {
    const MqttEvent event = ports_.mqtt.poll();
    if (event.kind == MqttEventKind::none) return;
    handle(event, nowMs);
  }
}

void Node::handle(const MqttEvent& event, uint64_t nowMs) {
  switch (event.kind) {
    case MqttEventKind::none:
      return;
    case MqttEventKind::message:
      onMessage(event, nowMs);
      return;
    case MqttEventKind::acknowledged:
      onAcknowledged(event.id, nowMs);
      return;
    case MqttEventKind::refused:
    case MqttEventKind::disconnected:
      wasRefused_ = event.kind == MqttEventKind::refused;
      trouble_ = event.code;
      if (connected_) log("the broker is gone");
      else log(wasRefused_ ? Text("the broker refused the connection") : Text("the broker was not reached"));
      lineOver(nowMs);
      break;
    case MqttEventKind::connected:
    case MqttEventKind::subscribed:
      break;
  }
  act(connection_.hear(event.kind, nowMs), nowMs);
}

void Node::onMessage(const MqttEvent& event, uint64_t nowMs) {
  if (event.topic.equals(contract::kBrokerStatusTopic)) {
    onBrokerStatus(event, nowMs);
  } else if (event.topic.equals(topic(Topic::receipt))) {
    Receipts receipts;
    if (readReceipts(event.payload, receipts)) recorder_.receipts(receipts, nowMs);
  } else if (event.topic.equals(topic(Topic::command)) && leaving_ == Leaving::no) {
    // One that comes while the node leaves is not taken: it is sent again after the next birth.
    Dispatcher::Arrival arrival;
    arrival.retained = event.retained;
    arrival.duplicate = event.duplicate;
    arrival.unixMs = unixMs(nowMs);
    arrival.nowMs = nowMs;
    dispatcher_.receive(event.payload, arrival);
    forgetUnused();
  }
}

void Node::onBrokerStatus(const MqttEvent& event, uint64_t nowMs) {
  BrokerStatus status;
  if (!readBrokerStatus(event.payload, status)) return;
  // A retained one was written at some time, nobody knows when.
  const bool isTime = status.timestamp >= static_cast<double>(contract::kOldestTimestampS) && status.timestamp < kSecondsEnd;
  if (status.hasTimestamp && !event.retained && isTime)
    clock_.fromBroker((static_cast<int64_t>(status.timestamp * 2000) + 1) / 2, nowMs);
  // Only an explicit true or false moves the mode, never silence (wire contract §3).
  if (!status.saysReceipts || (configuration_.keepKnown && configuration_.keepReceipt == status.receipts)) return;
  configuration_.keepKnown = true;
  configuration_.keepReceipt = status.receipts;
  recorder_.setKeepReceipt(status.receipts);
  statusDue_ = true;
  // On trial it is not known yet whether this broker stays ours.
  if (trialByMs_ == 0 && !configurationSlots_.save(configuration_)) log("flash did not take the mode of receipts");
}

void Node::onAcknowledged(int32_t id, uint64_t nowMs) {
  for (InFlight& one : inFlight_) {
    if (one.what == Sent::nothing || one.id != id) continue;
    const InFlight done = one;
    one = InFlight();
    if (done.what == Sent::birth) {
      connection_.proved();
      updater_.birthAcknowledged();
      trialPassed(nowMs);
    }
    if (done.what == Sent::ack) dispatcher_.delivered(done.token);
    if (done.what == Sent::telemetry) {
      recorder_.acknowledged(done.readings);
      acknowledged_ += done.readings.count;
      updater_.telemetryAcknowledged();
    }
    return;
  }
}

size_t Node::waiting() const {
  size_t count = 0;
  for (const InFlight& one : inFlight_) count += one.what == Sent::nothing ? 0 : 1;
  return count;
}


bool Node::publish(Topic which, Text payload, const InFlight& what) {
  for (InFlight& place : inFlight_) {
    if (place.what != Sent::nothing) continue;
    const int32_t id = ports_.mqtt.publish(topic(which), payload, 1, which == Topic::status);
    if (id < 0 || payload.size == 0) return false;
    place = what;
    place.id = id;
    return true;
  }
  return false;
}

bool Node::sendStatus(Sent what, uint64_t nowMs) {
  StatusFacts facts;
  facts.id = idText();
  facts.hasTime = clock_.at(nowMs, facts.unixMs);
  facts.boot = boot_;
  facts.intervalS = static_cast<double>(schedule_.intervalMs()) / 1000;
  facts.uptimeS = static_cast<uint32_t>((nowMs - bootMs_) / 1000);
  facts.isVirtual = build_.isVirtual;
  facts.hasRssi = ports_.link.rssi(facts.rssi);
  facts.board = build_.board;
  facts.version = build_.version;
  facts.slot = ports_.slots.running();
  facts.confirmed = updater_.confirmed();
  facts.resetReason = ports_.system.resetReason();
  facts.freeHeap = ports_.system.freeHeap();
  facts.largestFreeBlock = ports_.system.largestFreeBlock();
  facts.ip = ports_.link.address();
  facts.backlog = recorder_.backlog();
  facts.dropped = recorder_.dropped();
  facts.droppedUndatable = recorder_.droppedUndatable();
  facts.keepReceipt = configuration_.keepKnown && configuration_.keepReceipt;
  facts.configRev = configuration_.rev;
  facts.channels = channels_;
  facts.channelCount = channelCount_;
  Text outputs[sizes::kOutputs];
  for (size_t i = 0; i < outputs_.count(); i++) outputs[i] = outputs_.name(i);
  facts.outputs = outputs;
  facts.outputCount = outputs_.count();
  InFlight entry;
  entry.what = what;
  if (!publish(Topic::status, Text(out_, encodeStatus(facts, out_, sizes::kOutBytes)), entry)) {
    statusDue_ = true;
    return false;
  }
  statusDue_ = false;
  statusAtMs_ = nowMs + (updater_.onTrial() ? kTrialStatusEveryMs : kStatusEveryMs);
  return true;
}

void Node::pumpAcks(uint64_t nowMs) {
  while (waiting() < sizes::kWindow) {
    size_t size = 0;
    InFlight entry;
    entry.what = Sent::ack;
    if (!dispatcher_.nextAck(idText(), unixMs(nowMs), out_, sizes::kOutBytes, size, entry.token)) return;
    if (!publish(Topic::ack, Text(out_, size), entry)) return;
    dispatcher_.sent(entry.token);
  }
}

/** Sends what may go now: status and acks first, live readings, then backlog as far as it leaves room. */
void Node::pump(uint64_t nowMs) {
  if (!connected_ || leaving_ != Leaving::no || console_.borrowing()) return;
  if (birthDue_) {
    birthDue_ = !sendStatus(Sent::birth, nowMs);
    if (birthDue_) return;
  }
  if (nowMs >= statusAtMs_) statusDue_ = true;
  if (statusDue_ && waiting() < sizes::kWindow && !sendStatus(Sent::status, nowMs)) return;
  pumpAcks(nowMs);
  while (waiting() < sizes::kWindow) {
    InFlight entry;
    entry.what = Sent::telemetry;
    entry.readings = recorder_.nextLive(nowMs, out_, sizes::kOutBytes);
    if (entry.readings.payload.size == 0) break;
    if (!publish(Topic::telemetry, entry.readings.payload, entry)) return;
    recorder_.sent(entry.readings, nowMs);
  }
  if (waiting() >= sizes::kBacklogWindow) return;
  InFlight entry;
  entry.what = Sent::telemetry;
  entry.readings = recorder_.nextBacklog(nowMs, out_, sizes::kOutBytes);
  if (entry.readings.payload.size == 0 || !publish(Topic::telemetry, entry.readings.payload, entry)) return;
  recorder_.sent(entry.readings, nowMs);
}

}  // namespace espalier
