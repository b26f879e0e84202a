#include "espalier/node.h"

namespace espalier {
namespace {

/** SNTP is asked anew so often: crystals drift by some seconds a day. */
constexpr uint64_t kSntpEveryMs = 3600000;
/** A new image on trial speaks at least so often (wire contract §6). */
constexpr uint32_t kTrialIntervalMs = 10000;

}  // namespace

Node::Node(const Ports& ports, const Build& build, const Options& options)
    : ports_(ports),
      build_(build),
      options_(options),
      recorder_(ports.store, clock_),
      outputs_(ports.outputs, ports.outputCount),
      indicator_(ports.led),
      outputCommands_(outputs_, indicator_),
      ownCommands_(ports.commands, ports.commandCount),
      dispatcher_(ports.store, ports.system, *this),
      schedule_(ports.sensors, ports.sensorCount),
      updater_(ports.store, ports.slots, ports.http, ports.crypto, ports.system, build_),
      console_(ports.serial, build_, out_),
      settingsSlots_(ports.store, reinterpret_cast<uint8_t*>(out_)),
      configurationSlots_(ports.store) {
  static_assert(sizeof(out_) >= SettingsSlots::kWorkBytes && sizeof(out_) >= sizes::kOutBytes, "all that uses it, one at a time");
}

void Node::begin() {
  const uint64_t nowMs = ports_.clock.nowMs();
  // Before anything is said: it stands in the will.
  boot_ = ports_.system.random();
  bootMs_ = nowMs;
  configurationSlots_.load(configuration_);
  outputs_.begin(configuration_, nowMs);
  indicator_.begin();
  complete_ = settingsSlots_.load(settings_) && settings_.complete();
  if (settingsSlots_.trying()) trialByMs_ = nowMs + kSettingsTrialMs;

  for (size_t i = 0; i < ports_.sensorCount && i < sizes::kSensors; i++) {
    ports_.sensors[i]->begin();
    const Channel* channels = nullptr;
    const size_t count = ports_.sensors[i]->channels(channels);
    for (size_t c = 0; c < count && channelCount_ < sizes::kChannels; c++) channels_[channelCount_++] = channels[c];
  }
  Recorder::Options recorder;
  recorder.id = idText();
  recorder.channels = channels_;
  recorder.channelCount = channelCount_;
  recorder.ringReadings = options_.ringReadings;
  recorder.keepReceipt = configuration_.keepKnown && configuration_.keepReceipt;
  recorder_.begin(recorder, boot_, nowMs);
  dispatcher_.begin(boot_);
  updater_.begin(nowMs);
  hasUpdateTicket_ = dispatcher_.pendingUpdate(updateTicket_);
  if (hasUpdateTicket_ && updater_.commandId().size == 0) {
    // The power went between writing the command down and writing the update down.
    Effect effect;
    effect.fail(contract::CommandError::interrupted, "the power went before the update began");
    dispatcher_.finish(updateTicket_, effect);
    hasUpdateTicket_ = false;
  }

  schedule_.begin(0, ports_.system.random(), nowMs);
  setInterval(configuration_.hasInterval ? configuration_.intervalS : options_.intervalS, nowMs);
  console_.introduce(idText());
  if (complete_ && trialByMs_ == 0) console_.provisioned(true, Text());
  connection_.begin(ports_.system.random(), nowMs);
  if (complete_) connection_.go(nowMs, true);
  else log("not provisioned");
}

void Node::step() {
  const uint64_t nowMs = ports_.clock.nowMs();
  if (leaving_ == Leaving::stopped) return;
  int64_t unix = 0;
  if ((!sntp_ || nowMs >= sntpAtMs_) && ports_.clock.sntp(unix)) {
    clock_.fromSntp(unix, nowMs);
    sntp_ = true;
    sntpAtMs_ = nowMs + kSntpEveryMs;
  }
  hear(nowMs);
  for (;;) {
    const Connection::Do what = connection_.step({ports_.link.up(), clock_.known()}, nowMs);
    if (what == Connection::Do::nothing) break;
    act(what, nowMs);
  }
  trialStep(nowMs);
  cableStep(nowMs);
  if (complete_ && leaving_ == Leaving::no) {
    const Schedule::Due due = schedule_.step(nowMs);
    if (due != Schedule::Due::nothing) takeReading(nowMs, due == Schedule::Due::extra);
  }
  dispatcher_.step(nowMs);
  outputs_.step(nowMs);
  indicator_.step(nowMs);
  updateStep(nowMs);
  recorder_.step(nowMs);
  pump(nowMs);
  leaveStep(nowMs);
}

void Node::stop() {
  if (leaving_ != Leaving::stopped) leave(Leaving::stop, ports_.clock.nowMs());
}

void Node::takeReading(uint64_t nowMs, bool asked) {
  double values[sizes::kChannels];
  size_t at = 0;
  for (size_t i = 0; i < ports_.sensorCount && i < sizes::kSensors; i++) {
    const Channel* channels = nullptr;
    const size_t count = ports_.sensors[i]->channels(channels);
    if (count > sizes::kChannels - at) break;
    ports_.sensors[i]->read(values + at);
    at += count;
  }
  int8_t rssi = 0;
  const bool hasRssi = ports_.link.rssi(rssi);
  (void)recorder_.take(values, hasRssi, rssi, nowMs);
  taken_++;
  if (asked) answerReads();
}

void Node::answerReads() {
  Effect effect;
  constexpr Text kHead = "{\"sensors\":";
  memcpy(effect.result, kHead.data, kHead.size);
  const size_t size = recorder_.lastSensors(effect.result + kHead.size, sizeof effect.result - kHead.size - 2);
  if (size == 0) {
    effect.result[0] = '\0';
  } else {
    effect.result[kHead.size + size] = '}';
    effect.result[kHead.size + size + 1] = '\0';
  }
  for (uint8_t i = 0; i < readTicketCount_; i++) dispatcher_.finish(readTickets_[i], effect);
  readTicketCount_ = 0;
}

void Node::updateStep(uint64_t nowMs) {
  const bool before = updater_.onTrial();
  const UpdateNews news = updater_.step(nowMs, ports_.link.up());
  if (before != updater_.onTrial()) {
    statusDue_ = true;
    setInterval(configuration_.hasInterval ? configuration_.intervalS : options_.intervalS, nowMs);
  }
  switch (news.kind) {
    case UpdateNews::Kind::none:
      return;
    case UpdateNews::Kind::progress:
      if (hasUpdateTicket_) dispatcher_.progress(updateTicket_, news.percent);
      break;
    case UpdateNews::Kind::leaveBroker:
      if (hasUpdateTicket_) dispatcher_.progress(updateTicket_, news.percent);
      leave(Leaving::download, nowMs);
      return;
    case UpdateNews::Kind::restart:
      leave(Leaving::update, nowMs);
      return;
    case UpdateNews::Kind::failed:
    case UpdateNews::Kind::done: {
      Effect effect;
      if (news.kind == UpdateNews::Kind::failed) effect.fail(news.error, news.message);
      if (hasUpdateTicket_) dispatcher_.finish(updateTicket_, effect);
      hasUpdateTicket_ = false;
      updater_.settled();
      statusDue_ = true;
      break;
    }
  }
  // It was away to have the memory for the download.
  if (complete_ && leaving_ == Leaving::no && connection_.phase() == Connection::Phase::boot) connection_.go(nowMs, false);
}

void Node::setInterval(double seconds, uint64_t nowMs) {
  uint32_t ms = (static_cast<uint32_t>(seconds * 2000) + 1) / 2;
  if (updater_.onTrial() && ms > kTrialIntervalMs) ms = kTrialIntervalMs;
  schedule_.setInterval(ms, nowMs);
  recorder_.setIntervalMs(schedule_.intervalMs());
}

void Node::applyConfiguration(const Configuration& next, uint64_t nowMs) {
  configuration_ = next;
  outputs_.configure(next);
  if (next.hasInterval) setInterval(next.intervalS, nowMs);
  statusDue_ = true;
}

int64_t Node::unixMs(uint64_t nowMs) const {
  int64_t unix = 0;
  return clock_.at(nowMs, unix) ? unix : 0;
}

}  // namespace espalier
