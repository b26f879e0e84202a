#include "check.h"
#include "espalier/settings.h"
#include "flash.h"

using espalier::Configuration;
using espalier::ConfigurationSlots;
using espalier::Settings;
using espalier::SettingsFault;
using espalier::SettingsSlots;
using espalier::Text;

static espalier::test::FaultyStore flash;
static Settings old;
static Settings fresh;
static Settings got;
static uint8_t work[SettingsSlots::kWorkBytes];

static SettingsSlots boot() { return SettingsSlots(flash, work); }

static bool is(const Settings& wanted) { return memcmp(&got.broker, &wanted.broker, sizeof got.broker) == 0; }

static bool workIsClean() {
  for (const uint8_t byte : work)
    if (byte != 0) return false;
  return true;
}

static void prepare() {
  flash.format();
  old = Settings();
  (void)espalier::readSettings("{\"id\":\"01\",\"broker\":{\"url\":\"mqtt://old\",\"user\":\"01\",\"password\":\"before\"}}", old);
  fresh = old;
  (void)espalier::readSettings("{\"broker\":{\"url\":\"mqtt://new:1884\",\"password\":\"after, and longer than before\"}}", fresh);
}

/** A node with settings that are good: alternately in either place. */
static void provision(uint32_t writes) {
  prepare();
  for (uint32_t i = 0; i < writes; i++) (void)boot().replace(old);
}

static void testSlots(espalier::test::Check& check) {
  prepare();
  CHECK(!boot().load(got));
  CHECK(!boot().giveUp());
  CHECK(!boot().confirm());
  // The first settings there are have nothing to go back to.
  CHECK(boot().attempt(old));
  SettingsSlots slots = boot();
  for (int i = 0; i < 10; i++) CHECK(slots.load(got) && is(old) && !slots.trying());
  CHECK(workIsClean());

  CHECK(slots.attempt(fresh));
  CHECK(workIsClean());
  CHECK(slots.load(got) && is(fresh) && slots.trying());
  CHECK(slots.giveUp() && !slots.trying());
  CHECK(slots.load(got) && is(old) && !slots.trying());

  // The same again is tried anew, as often as any.
  CHECK(slots.attempt(fresh));
  for (int i = 0; i < SettingsSlots::kTries; i++) {
    SettingsSlots again = boot();
    CHECK(again.load(got) && is(fresh) && again.trying());
  }
  for (int i = 0; i < 3; i++) {
    SettingsSlots again = boot();
    CHECK(again.load(got) && is(old) && !again.trying());
  }

  CHECK(slots.attempt(fresh));
  CHECK(slots.load(got) && slots.confirm() && !slots.trying());
  CHECK(workIsClean());
  for (int i = 0; i < 10; i++) CHECK(boot().load(got) && is(fresh));
  CHECK(!boot().giveUp());
  // A change while another is on trial: what was good stays.
  CHECK(slots.attempt(old));
  CHECK(slots.load(got) && is(old) && slots.trying());
  CHECK(slots.attempt(old));
  CHECK(slots.giveUp() && slots.load(got) && is(fresh));
  // At the cable it counts at once.
  CHECK(slots.attempt(fresh));
  CHECK(slots.replace(old));
  CHECK(slots.load(got) && is(old) && !slots.trying());
  slots.erase();
  CHECK(!boot().load(got));
  CHECK(flash.used() == 0);
}

static void testRefusingFlash(espalier::test::Check& check) {
  provision(1);
  SettingsSlots slots = boot();
  flash.refuse(true);
  CHECK(!slots.attempt(fresh));
  CHECK(!slots.replace(fresh));
  CHECK(slots.load(got) && is(old) && !slots.trying());
  flash.refuse(false);
  CHECK(slots.attempt(fresh) && slots.load(got));
  flash.refuse(true);
  CHECK(!slots.confirm() && slots.trying());
  flash.refuse(false);
  CHECK(slots.confirm() && boot().load(got) && is(fresh));
  fresh.broker.password[0] = '\0';
  memset(fresh.broker.ca, '"', sizeof fresh.broker.ca - 1);
  memset(fresh.broker.certificate, '"', sizeof fresh.broker.certificate - 1);
  CHECK(!slots.attempt(fresh));
}

/** A bit of either copy that turns round: the other one is taken. */
static void testRot(espalier::test::Check& check) {
  for (uint32_t writes = 1; writes <= 2; writes++) {
    size_t size = 1;
    for (size_t at = 0; at < size; at++) {
      provision(writes);
      (void)boot().replace(fresh);
      uint8_t* bytes = flash.bytes(writes == 1 ? Text("creds.b") : Text("creds.a"), size);
      if (bytes == nullptr) break;
      bytes[at] ^= 0x10U;
      CHECK(boot().load(got) && is(old));
    }
    CHECK(size > 100);
  }
}

/** One change of settings, with a boot in the middle. Stops where the power went. `used`: the broker may have seen the new ones, and may
 *  take no others any more. */
static void changeOver(bool& used) {
  SettingsSlots slots = boot();
  if (!slots.load(got) || flash.off()) return;
  if (!slots.attempt(fresh) || flash.off()) return;
  if (!slots.load(got) || flash.off()) return;
  SettingsSlots after = boot();
  if (!after.load(got) || flash.off()) return;
  used = after.trying();
  if (!after.confirm() || flash.off()) return;
  (void)after.load(got);
}

static void testCutsOfChange(espalier::test::Check& check) {
  for (uint32_t writes = 1; writes <= 4; writes++) {
    for (const espalier::test::Cut how : espalier::test::kCuts) {
      for (uint32_t nth = 1;; nth++) {
        provision(writes);
        bool used = false;
        flash.cutAt(nth, how);
        changeOver(used);
        const bool cut = flash.off();
        flash.powerUp();
        SettingsSlots slots = boot();
        CHECK(slots.load(got) && (is(old) || is(fresh)));
        if (used) CHECK(is(fresh));
        // Life goes on: it reaches the broker, the change is made once more, and stays.
        if (slots.trying()) CHECK(slots.confirm());
        CHECK(slots.attempt(fresh) && slots.load(got) && is(fresh));
        CHECK(slots.confirm() && boot().load(got) && is(fresh));
        if (!cut) break;
        CHECK(nth < 20);
      }
    }
  }
}

/** Settings that lead nowhere, a boot after the other: each may be cut off, too. */
static void testCutsOfGivingUp(espalier::test::Check& check) {
  for (const espalier::test::Cut how : espalier::test::kCuts) {
    for (uint32_t nth = 1;; nth++) {
      provision(1);
      flash.cutAt(nth, how);
      bool cut = false;
      SettingsSlots slots = boot();
      (void)slots.attempt(fresh);
      for (int i = 0; i < 2 * SettingsSlots::kTries; i++) {
        if (flash.off()) {
          cut = true;
          flash.powerUp();
        }
        SettingsSlots again = boot();
        const bool there = again.load(got);
        if (flash.off()) continue;
        CHECK(there && (is(old) || is(fresh)));
        if (i == 1) (void)again.giveUp();
      }
      flash.powerUp();
      SettingsSlots last = boot();
      CHECK(last.load(got) && is(old) && !last.trying());
      if (!cut) break;
      CHECK(nth < 20);
    }
  }
}

static void testCutsOfErasing(espalier::test::Check& check) {
  for (int trial = 0; trial < 2; trial++) {
    for (const espalier::test::Cut how : espalier::test::kCuts) {
      for (uint32_t nth = 1; nth < 5; nth++) {
        provision(2);
        if (trial == 1) CHECK(boot().attempt(fresh) && boot().load(got));
        flash.cutAt(nth, how);
        boot().erase();
        flash.powerUp();
        // All gone, or still who it was before the change.
        if (boot().load(got)) CHECK(is(old) || trial == 1);
        boot().erase();
        CHECK(!boot().load(got));
      }
    }
  }
}

static Configuration configurationOf(uint32_t rev) {
  Configuration made;
  made.rev = rev;
  made.hasInterval = rev % 2 == 0;
  made.intervalS = 0.1 * rev;
  made.safeAfterS = 86400 - rev;
  made.safe[3] = 1.0 / (1 + rev);
  made.keepKnown = rev % 3 == 0;
  made.keepReceipt = rev % 5 == 0;
  return made;
}

static bool same(const Configuration& a, const Configuration& b) {
  return a.rev == b.rev && a.hasInterval == b.hasInterval && memcmp(&a.intervalS, &b.intervalS, sizeof a.intervalS) == 0 &&
         a.safeAfterS == b.safeAfterS && memcmp(a.safe, b.safe, sizeof a.safe) == 0 && a.keepKnown == b.keepKnown &&
         a.keepReceipt == b.keepReceipt;
}

static void testConfiguration(espalier::test::Check& check) {
  flash.format();
  Configuration now;
  ConfigurationSlots(flash).load(now);
  CHECK(same(now, Configuration()));
  for (const espalier::test::Cut how : espalier::test::kCuts) {
    for (uint32_t cutAt = 1; cutAt <= 8; cutAt++) {
      flash.format();
      ConfigurationSlots slots(flash);
      slots.load(now);
      flash.cutAt(cutAt, how);
      uint32_t saved = 0;
      for (uint32_t rev = 1; rev <= 7; rev++)
        if (slots.save(configurationOf(rev))) saved = rev;
      const bool cut = flash.off();
      flash.powerUp();
      ConfigurationSlots after(flash);
      after.load(now);
      CHECK(same(now, saved == 0 ? Configuration() : configurationOf(saved)) || (cut && same(now, configurationOf(saved + 1))));
      CHECK(cut == (cutAt <= 7));
      CHECK(after.save(configurationOf(100)));
      ConfigurationSlots(flash).load(now);
      CHECK(same(now, configurationOf(100)));
    }
  }
  ConfigurationSlots slots(flash);
  slots.load(now);
  flash.refuse(true);
  CHECK(!slots.save(configurationOf(101)));
  flash.refuse(false);
  CHECK(slots.save(configurationOf(102)));
  slots.erase();
  CHECK(flash.used() == 0);
}

static const espalier::test::Unit slotsUnit("settings_slots", testSlots);
static const espalier::test::Unit refusing("settings_slots_refusing_flash", testRefusingFlash);
static const espalier::test::Unit rot("settings_slots_rot", testRot);
static const espalier::test::Unit change("settings_slots_cuts_of_change", testCutsOfChange);
static const espalier::test::Unit givingUp("settings_slots_cuts_of_giving_up", testCutsOfGivingUp);
static const espalier::test::Unit erasing("settings_slots_cuts_of_erasing", testCutsOfErasing);
static const espalier::test::Unit configuration("configuration_slots", testConfiguration);
