#include "espalier/node.h"

/** Ways out: what has to be said first, the goodbye, DISCONNECT, and only then what it was for. */
namespace espalier {
namespace {

/** A node that leaves waits so long for its last words to be acknowledged. */
constexpr uint32_t kGoodbyeMs = 1500;

}  // namespace

void Node::leave(Leaving why, uint64_t nowMs) {
  if (leaving_ == Leaving::no) leaveByMs_ = nowMs + kGoodbyeMs;
  // Who is told to stop while it leaves stops; nothing else changes the reason.
  if (leaving_ == Leaving::no || why == Leaving::stop) leaving_ = why;
}

void Node::leaveStep(uint64_t nowMs) {
  if (leaving_ == Leaving::no || leaving_ == Leaving::stopped) return;
  const bool late = nowMs >= leaveByMs_ || !connected_;
  if (!goodbyeSaid_ && !late) {
    if (console_.borrowing()) return;
    // The command's `accepted` goes before the goodbye.
    pumpAcks(nowMs);
    if (hasLeaveTicket_ && !dispatcher_.accepted(leaveTicket_)) return;
    Text reason;
    if (leaving_ == Leaving::reboot) reason = "reboot";
    if (leaving_ == Leaving::update || leaving_ == Leaving::download) reason = "update";
    InFlight what;
    what.what = Sent::goodbye;
    goodbyeSaid_ = publish(Topic::status, Text(out_, encodeGoodbye(idText(), boot_, reason, out_, sizes::kOutBytes)), what);
    return;
  }
  if (!late && waiting() > 0) return;
  if (connected_) ports_.mqtt.disconnect();
  else ports_.mqtt.abort();
  lineOver(nowMs);
  left(nowMs);
}

void Node::left(uint64_t nowMs) {
  const Leaving why = leaving_;
  leaving_ = Leaving::no;
  goodbyeSaid_ = false;
  hasLeaveTicket_ = false;
  connection_.rest();
  recorder_.step(nowMs, true);
  switch (why) {
    case Leaving::no:
    case Leaving::stopped:
      break;
    case Leaving::reboot:
    case Leaving::update:
      // Where it returns (a test), nothing more is done by this boot.
      leaving_ = Leaving::stopped;
      ports_.system.restart();
      break;
    case Leaving::download:
      updater_.brokerLeft();
      break;
    case Leaving::network:
      trialByMs_ = nowMs + kSettingsTrialMs;
      // As a boot would: the copy on trial counts from this load on.
      complete_ = settingsSlots_.load(settings_) && settings_.complete();
      connection_.go(nowMs, true);
      break;
    case Leaving::stop:
      leaving_ = Leaving::stopped;
      break;
  }
}

}  // namespace espalier
