#include "espalier/node.h"

/** What the built-in commands do. Their params are judged, their ids stand in flash. */
namespace espalier {
namespace {

using contract::Builtin;
using contract::CommandError;

void end(Effect& effect, const JsonWriter& json) { effect.result[json.size()] = '\0'; }

void wrong(Effect& why, CommandError code, Text text) { why.fail(code, text); }

}  // namespace

bool Node::refuses(Builtin builtin, const Command& command, uint64_t, Effect& why) {
  if (outputCommands_.refuses(builtin, command, why)) return true;
  switch (builtin) {
    case Builtin::configure: {
      const Json network = command.params.member("network");
      return !network.is(JsonKind::absent) && refusesNetwork(network, why);
    }
    case Builtin::updateFirmware:
      if (!updater_.busy() && trialByMs_ == 0) return false;
      wrong(why, CommandError::busy, trialByMs_ == 0 ? Text("an update goes on, wait for its end") : Text("new settings are being tried"));
      return true;
    case Builtin::reboot:
      if (trialByMs_ == 0) return false;
      wrong(why, CommandError::busy, "new settings are being tried, wait for their end");
      return true;
    case Builtin::readNow:
      if (readTicketCount_ < contract::kCommandsInFlight) return false;
      wrong(why, CommandError::busy, "eight readings were asked for already");
      return true;
    default:
      return false;
  }
}

/** Reads them over the ones in use, for there is no room for two: forgetUnused() takes it back unless they are to be tried. */
bool Node::refusesNetwork(Json network, Effect& why) {
  if (trialByMs_ != 0 || updater_.busy()) {
    wrong(why, CommandError::busy, "new settings are being tried or an update goes on, wait for the end");
    return true;
  }
  const SettingsFault fault = readSettings(network.raw(), settings_, SettingsFrom::network);
  if (fault == SettingsFault::none) {
    settingsUnused_ = true;
    return false;
  }
  const SettingsFaultText text = espalier::describe(fault);
  wrong(why, CommandError::badParams, text.detail);
  return true;
}

void Node::execute(Builtin builtin, const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect) {
  JsonWriter json(effect.result, sizeof effect.result - 1);
  switch (builtin) {
    case Builtin::ping:
      json.raw("{\"uptime\":").whole(static_cast<int64_t>((nowMs - bootMs_) / 1000)).raw("}");
      end(effect, json);
      return;
    case Builtin::getStatus:
      statusDue_ = true;
      return;
    case Builtin::readNow:
      readTickets_[readTicketCount_++] = ticket;
      schedule_.ask(nowMs);
      effect.outcome = Outcome::later;
      return;
    case Builtin::setInterval:
      setInterval(command.params.member("seconds").number(), nowMs);
      statusDue_ = true;
      json.raw("{\"interval\":").scaled(schedule_.intervalMs(), 3).raw("}");
      end(effect, json);
      return;
    case Builtin::configure:
      configure(command, ticket, nowMs, effect);
      return;
    case Builtin::setLed:
    case Builtin::setOutput:
    case Builtin::pulseOutput:
    case Builtin::identify:
      outputCommands_.execute(builtin, command, nowMs, effect);
      return;
    case Builtin::reboot:
      effect.outcome = Outcome::reboots;
      leaveTicket_ = ticket;
      hasLeaveTicket_ = true;
      leave(Leaving::reboot, nowMs);
      return;
    case Builtin::updateFirmware: {
      CommandError error = CommandError::badManifest;
      effect.outcome = Outcome::reboots;
      if (!updater_.start(command, Span(settings_.updateKey, settings_.updateKeySize), error, effect.message, sizeof effect.message)) {
        effect.outcome = Outcome::failed;
        effect.error = error;
        return;
      }
      updateTicket_ = ticket;
      hasUpdateTicket_ = true;
      return;
    }
  }
}

void Node::configure(const Command& command, Ticket ticket, uint64_t nowMs, Effect& effect) {
  Configuration next = configuration_;
  (void)command.params.member("rev").whole(UINT32_MAX, next.rev);
  const Json interval = command.params.member("interval");
  if (interval.is(JsonKind::number)) {
    next.hasInterval = true;
    next.intervalS = interval.number();
  }
  const Json after = command.params.member("safe_after");
  // Up to the next whole second: half a second is not "at once".
  if (after.is(JsonKind::number)) {
    next.safeAfterS = static_cast<uint32_t>(after.number());
    if (static_cast<double>(next.safeAfterS) < after.number()) next.safeAfterS++;
  }
  const Json outputs = command.params.member("outputs");
  for (size_t i = 0; outputs.is(JsonKind::object) && i < outputs_.count(); i++) {
    const Json output = outputs.member(outputs_.name(i));
    if (output.is(JsonKind::object)) next.safe[i] = output.member("safe").number();
  }
  if (settingsUnused_) {
    if (changeNetwork(nowMs)) {
      nextConfiguration_ = next;
      networkTicket_ = ticket;
      hasNetworkTicket_ = true;
      effect.outcome = Outcome::reboots;
    } else {
      effect.fail(CommandError::hardware, "flash did not take the new settings");
    }
    return;
  }
  if (!configurationSlots_.save(next)) {
    effect.fail(CommandError::hardware, "flash did not take the configuration");
    return;
  }
  applyConfiguration(next, nowMs);
  JsonWriter json(effect.result, sizeof effect.result - 1);
  json.raw("{\"rev\":").whole(next.rev).raw("}");
  end(effect, json);
}

}  // namespace espalier
