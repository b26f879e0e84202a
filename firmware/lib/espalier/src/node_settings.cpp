#include "espalier/node.h"

/** Make before break: new settings are tried for a minute, and are the good ones from the first birth on that their broker acknowledged;
 *  otherwise the old ones count again. And the cable, where a person brings the first ones. */
namespace espalier {

bool Node::changeNetwork(uint64_t nowMs) {
  settingsUnused_ = false;
  if (!settingsSlots_.attempt(settings_)) {
    (void)settingsSlots_.load(settings_);
    return false;
  }
  leave(Leaving::network, nowMs);
  return true;
}

void Node::forgetUnused() {
  if (!settingsUnused_) return;
  settingsUnused_ = false;
  (void)settingsSlots_.load(settings_);
}

void Node::trialStep(uint64_t nowMs) {
  if (trialByMs_ == 0 || leaving_ != Leaving::no) return;
  // Improv brings only a network: it has to come up, there is no broker to go to.
  if (!complete_ && ports_.link.up()) trialPassed(nowMs);
  else if (nowMs >= trialByMs_) trialFailed(nowMs);
}

void Node::trialPassed(uint64_t nowMs) {
  if (trialByMs_ == 0) return;
  trialByMs_ = 0;
  if (settingsSlots_.trying() && !settingsSlots_.confirm()) log("flash did not take that the new settings are good");
  if (improvWaits_) console_.provisioned(true, Text());
  improvWaits_ = false;
  if (hasNetworkTicket_) {
    // A broker that was not heard of receipts yet has not said anything: the mode of the old one does not count for it.
    const Configuration learned = configuration_;
    configuration_ = nextConfiguration_;
    configuration_.keepKnown = learned.keepKnown;
    configuration_.keepReceipt = learned.keepReceipt;
  }
  Effect effect;
  if (!configurationSlots_.save(configuration_)) effect.fail(contract::CommandError::hardware, "flash did not take the configuration");
  applyConfiguration(configuration_, nowMs);
  if (!hasNetworkTicket_) return;
  hasNetworkTicket_ = false;
  JsonWriter json(effect.result, sizeof effect.result - 1);
  json.raw("{\"rev\":").whole(configuration_.rev).raw("}");
  effect.result[json.size()] = '\0';
  dispatcher_.finish(networkTicket_, effect);
}

void Node::trialFailed(uint64_t nowMs) {
  trialByMs_ = 0;
  log("the new settings did not reach their broker, back to the old ones");
  ports_.mqtt.abort();
  lineOver(nowMs);
  connection_.rest();
  if (improvWaits_) console_.connectFailed();
  improvWaits_ = false;
  if (hasNetworkTicket_) {
    Effect effect;
    effect.fail(contract::CommandError::hardware, wasRefused_ ? Text("the new broker refused the credentials, the old settings count again")
                                                              : Text("the new broker was not reached, the old settings count again"));
    dispatcher_.finish(networkTicket_, effect);
    hasNetworkTicket_ = false;
  }
  if (settingsSlots_.trying() && !settingsSlots_.giveUp()) log("there are no old settings to go back to");
  complete_ = settingsSlots_.load(settings_) && settings_.complete();
  configurationSlots_.load(configuration_);
  recorder_.setKeepReceipt(configuration_.keepKnown && configuration_.keepReceipt);
  if (complete_) connection_.go(nowMs, true);
}

void Node::cableStep(uint64_t nowMs) {
  const SerialRequest request = console_.poll(nowMs);
  switch (request.kind) {
    case SerialRequest::Kind::none:
      return;
    case SerialRequest::Kind::status: {
      SerialStatus status;
      char broker[sizeof settings_.broker.host + 8];
      describe(status, broker, sizeof broker);
      console_.status(status);
      return;
    }
    case SerialRequest::Kind::factoryReset:
      factoryReset(nowMs);
      return;
    case SerialRequest::Kind::provision:
    case SerialRequest::Kind::improvWifi:
      provision(request.document, request.kind == SerialRequest::Kind::improvWifi, nowMs);
      return;
  }
}

void Node::provision(Text document, bool improv, uint64_t nowMs) {
  if (trialByMs_ != 0 || leaving_ != Leaving::no || updater_.busy()) {
    if (improv) console_.connectFailed();
    else console_.answer(false, "busy", "settings are being tried or an update goes on: try again in a minute");
    return;
  }
  char before[sizeof settings_.id];
  memcpy(before, settings_.id, sizeof before);
  // A line that is being made reads the settings; they change below it.
  if (!connected_) {
    ports_.mqtt.abort();
    connection_.rest();
  }
  const SettingsFault fault = readSettings(document, settings_);
  const bool taken = fault == SettingsFault::none && settingsSlots_.attempt(settings_);
  if (!taken) {
    if (improv) console_.connectFailed();
    else if (fault != SettingsFault::none) console_.refuse(fault);
    else console_.answer(false, "flash", "the flash did not take the settings");
    complete_ = settingsSlots_.load(settings_) && settings_.complete();
    if (!connected_ && complete_) connection_.go(nowMs, false);
    return;
  }
  if (!improv) console_.answer(true, Text(), Text());
  improvWaits_ = improv;
  // Under another name everything begins anew.
  const bool renamed = strcmp(before, settings_.id) != 0;
  leave(renamed ? Leaving::reboot : Leaving::network, nowMs);
  if (renamed) memcpy(settings_.id, before, sizeof before);
}

void Node::factoryReset(uint64_t nowMs) {
  ports_.mqtt.abort();
  lineOver(nowMs);
  recorder_.erase();
  dispatcher_.erase();
  updater_.erase();
  configurationSlots_.erase();
  settingsSlots_.erase();
  console_.answer(true, Text(), Text());
  log("factory reset");
  connection_.rest();
  leaving_ = Leaving::stopped;
  ports_.system.restart();
}

void Node::describe(SerialStatus& out, char* broker, size_t room) {
  out.id = idText();
  switch (connection_.phase()) {
    case Connection::Phase::boot:
      out.state = complete_ ? Text("broker") : Text("waiting");
      break;
    case Connection::Phase::network:
      out.state = "network";
      break;
    case Connection::Phase::time:
      out.state = "time";
      break;
    case Connection::Phase::pause:
    case Connection::Phase::connecting:
    case Connection::Phase::subscribing:
      out.state = "broker";
      break;
    case Connection::Phase::running:
      out.state = "running";
      break;
  }
  if (settings_.broker.host[0] != '\0') {
    JsonWriter writer(broker, room);
    writer.raw(Text(settings_.broker.host, strlen(settings_.broker.host))).raw(":").whole(settings_.broker.port);
    out.broker = writer.text();
  }
  out.address = ports_.link.address();
  out.trying = trialByMs_ != 0 || leaving_ == Leaving::network;
  if (connection_.running() || !complete_) return;
  if (wasRefused_) out.trouble = trouble_ == 4 || trouble_ == 5 ? Text("the broker refused user and password") : Text("the broker refused the connection");
  else if (trouble_ == -1) out.trouble = "TLS failed: the broker's certificate does not fit the CA or the name";
  else if (!ports_.link.up()) out.trouble = "the network does not come up";
  else if (trouble_ != 0) out.trouble = "the broker was not reached";
}

}  // namespace espalier
