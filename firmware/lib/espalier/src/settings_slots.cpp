#include "espalier/crc32.h"
#include "espalier/secret.h"
#include "espalier/settings.h"

namespace espalier {
namespace {

constexpr Text kNames[2] = {"creds.a", "creds.b"};
constexpr Text kTriesName = "creds.t";

static_assert(__is_trivially_copyable(Settings), "nothing set is nothing but zeros");

/** Head of a copy: magic, generation, state, 0, size of the document, CRC of what comes before it and of the document. All little endian.
 *  The image that `espalier node flash` makes is written so too. */
constexpr uint8_t kMagic[4] = {'E', 'S', 'P', '1'};
constexpr uint8_t kGood = 1;
constexpr uint8_t kTrying = 2;
constexpr size_t kCrcAt = 12;
/** Tries: CRC of the copy that is tried, how often, CRC of these five. */
constexpr size_t kTriesBytes = 9;

void put(uint8_t* out, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<uint8_t>(value >> 8U * i);
}

uint32_t get(const uint8_t* bytes, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; i++) value |= static_cast<uint32_t>(bytes[i]) << 8U * i;
  return value;
}

/** Generations count up and may wrap. */
bool newer(uint32_t a, uint32_t b) { return a != b && a - b < 0x80000000U; }

}  // namespace

SettingsSlots::Copy SettingsSlots::inspect(size_t slot) {
  uint8_t head[kHeadBytes];
  Copy copy;
  if (store_.read(kNames[slot], 0, head, sizeof head) != sizeof head || memcmp(head, kMagic, sizeof kMagic) != 0) return copy;
  copy.generation = get(head + 4, 4);
  copy.trying = head[8] == kTrying;
  copy.size = static_cast<uint16_t>(get(head + 10, 2));
  copy.crc = get(head + kCrcAt, 4);
  if (copy.size > sizes::kSettingsBytes || (head[8] != kGood && head[8] != kTrying)) return copy;
  if (store_.read(kNames[slot], kHeadBytes, work_, copy.size) != copy.size) return copy;
  copy.there = crc32(Span(work_, copy.size), crc32(Span(head, kCrcAt))) == copy.crc;
  return copy;
}

SettingsSlots::Look SettingsSlots::look() {
  Look found;
  for (size_t slot = 0; slot < 2; slot++) found.copies[slot] = inspect(slot);
  wipe(work_, kWorkBytes);
  const Copy& a = found.copies[0];
  const Copy& b = found.copies[1];
  if (!a.there && !b.there) return found;
  const int8_t newest = !a.there || (b.there && newer(b.generation, a.generation)) ? 1 : 0;
  // A copy that stands alone is the good one, whatever it says: confirming it was cut off, or its elder was lost.
  const bool onTrial = found.copies[newest].trying && a.there && b.there;
  found.good = onTrial ? static_cast<int8_t>(1 - newest) : newest;
  found.trial = onTrial ? newest : static_cast<int8_t>(-1);
  return found;
}

bool SettingsSlots::take(const Look& found, int8_t slot, Settings& out) {
  if (slot < 0) return false;
  const size_t size = found.copies[slot].size;
  wipe(&out, sizeof out);
  const bool whole = store_.read(kNames[slot], kHeadBytes, work_, size) == size;
  const Text document(reinterpret_cast<const char*>(work_), size);
  const bool good = whole && readSettings(document, out, SettingsFrom::flash) == SettingsFault::none;
  wipe(work_, kWorkBytes);
  return good;
}

bool SettingsSlots::load(Settings& out) {
  Look found = look();
  trying_ = false;
  if (found.trial >= 0) {
    const Copy& trial = found.copies[found.trial];
    const uint8_t before = tries(trial);
    if (before < kTries) {
      countTry(trial, static_cast<uint8_t>(before + 1));
      trying_ = take(found, found.trial, out);
      if (trying_) return true;
    }
    drop(found.trial);
  }
  return take(found, found.good, out);
}

bool SettingsSlots::attempt(const Settings& settings) {
  const Look found = look();
  return write(found, settings, found.good >= 0);
}

bool SettingsSlots::replace(const Settings& settings) { return write(look(), settings, false); }

bool SettingsSlots::write(const Look& found, const Settings& settings, bool trying) {
  const size_t size = encodeSettings(settings, reinterpret_cast<char*>(work_) + kHeadBytes, sizes::kSettingsBytes);
  const int8_t newest = found.trial >= 0 ? found.trial : found.good;
  const uint32_t generation = newest < 0 ? 1 : found.copies[newest].generation + 1;
  const size_t slot = found.good == 0 ? 1 : 0;
  bool written = size > 0;
  if (written) {
    store_.remove(kTriesName);
    written = seal(slot, generation, size, trying);
  }
  wipe(work_, kWorkBytes);
  return written;
}

/** The document stands in the work bytes behind the place of its head. */
bool SettingsSlots::seal(size_t slot, uint32_t generation, size_t size, bool trying) {
  memcpy(work_, kMagic, sizeof kMagic);
  put(work_ + 4, generation, 4);
  put(work_ + 8, trying ? kTrying : kGood, 2);
  put(work_ + 10, static_cast<uint32_t>(size), 2);
  const uint32_t crc = crc32(Span(work_ + kHeadBytes, size), crc32(Span(work_, kCrcAt)));
  put(work_ + kCrcAt, crc, 4);
  return store_.write(kNames[slot], Span(work_, kHeadBytes + size));
}

bool SettingsSlots::confirm() {
  const Look found = look();
  if (found.trial < 0) {
    trying_ = false;
    return found.good >= 0;
  }
  // Once more, as good, over the copy that nobody needs any more. Until that is whole the one on trial stands, so no cut loses both.
  const Copy& trial = found.copies[found.trial];
  bool written = store_.read(kNames[found.trial], kHeadBytes, work_ + kHeadBytes, trial.size) == trial.size;
  written = written && seal(static_cast<size_t>(found.good), trial.generation + 1, trial.size, false);
  wipe(work_, kWorkBytes);
  if (!written) return false;
  store_.remove(kTriesName);
  trying_ = false;
  return true;
}

bool SettingsSlots::giveUp() {
  const Look found = look();
  trying_ = false;
  if (found.trial < 0) return false;
  drop(found.trial);
  return true;
}

/** The copy first: while it stands, its tries are known. */
void SettingsSlots::drop(int8_t slot) {
  store_.remove(kNames[slot]);
  store_.remove(kTriesName);
}

/** The one that counts last: until then the node is who it was. */
void SettingsSlots::erase() {
  const Look found = look();
  const int8_t last = found.good < 0 ? static_cast<int8_t>(0) : found.good;
  trying_ = false;
  store_.remove(kNames[1 - last]);
  store_.remove(kTriesName);
  store_.remove(kNames[last]);
}

uint8_t SettingsSlots::tries(const Copy& copy) {
  uint8_t bytes[kTriesBytes];
  if (store_.read(kTriesName, 0, bytes, sizeof bytes) != sizeof bytes) return 0;
  if (get(bytes + 5, 4) != crc32(Span(bytes, 5)) || get(bytes, 4) != copy.crc) return 0;
  return bytes[4];
}

void SettingsSlots::countTry(const Copy& copy, uint8_t tries) {
  uint8_t bytes[kTriesBytes];
  put(bytes, copy.crc, 4);
  bytes[4] = tries;
  put(bytes + 5, crc32(Span(bytes, 5)), 4);
  // Where flash refuses it, the copy is tried once more than it should be.
  (void)store_.write(kTriesName, Span(bytes, sizeof bytes));
}

}  // namespace espalier
