#include "espalier/crc32.h"
#include "espalier/settings.h"

namespace espalier {
namespace {

constexpr Text kNames[2] = {"conf.a", "conf.b"};
constexpr uint8_t kVersion = 1;
constexpr size_t kOutputsAt = 29;
constexpr size_t kCrcAt = kOutputsAt + 8 * sizes::kOutputs;
constexpr size_t kBytes = kCrcAt + 4;

void put(uint8_t* out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<uint8_t>(value >> 8U * i);
}

uint64_t get(const uint8_t* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value |= static_cast<uint64_t>(bytes[i]) << 8U * i;
  return value;
}

void putDouble(uint8_t* out, double value) {
  uint64_t bits = 0;
  static_assert(sizeof bits == sizeof value, "a double of eight bytes");
  memcpy(&bits, &value, sizeof bits);
  put(out, bits, sizeof bits);
}

double getDouble(const uint8_t* bytes) {
  const uint64_t bits = get(bytes, 8);
  double value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/** version, three flags, generation, rev, interval, safe_after, safe values, CRC. */
void encode(const Configuration& from, uint32_t generation, uint8_t* out) {
  out[0] = kVersion;
  out[1] = static_cast<uint8_t>((from.hasInterval ? 1U : 0U) | (from.keepKnown ? 2U : 0U) | (from.keepReceipt ? 4U : 0U));
  put(out + 2, 0, 3);
  put(out + 5, generation, 4);
  put(out + 9, from.rev, 4);
  putDouble(out + 13, from.intervalS);
  put(out + 21, from.safeAfterS, 8);
  for (size_t i = 0; i < sizes::kOutputs; i++) putDouble(out + kOutputsAt + 8 * i, from.safe[i]);
  put(out + kCrcAt, crc32(Span(out, kCrcAt)), 4);
}

void decode(const uint8_t* from, Configuration& out) {
  out.hasInterval = (from[1] & 1U) != 0;
  out.keepKnown = (from[1] & 2U) != 0;
  out.keepReceipt = (from[1] & 4U) != 0;
  out.rev = static_cast<uint32_t>(get(from + 9, 4));
  out.intervalS = getDouble(from + 13);
  out.safeAfterS = static_cast<uint32_t>(get(from + 21, 4));
  for (size_t i = 0; i < sizes::kOutputs; i++) out.safe[i] = getDouble(from + kOutputsAt + 8 * i);
}

}  // namespace

bool ConfigurationSlots::read(Text name, uint32_t& generation, Configuration& out) {
  uint8_t bytes[kBytes];
  if (store_.read(name, 0, bytes, sizeof bytes) != sizeof bytes || bytes[0] != kVersion) return false;
  if (get(bytes + kCrcAt, 4) != crc32(Span(bytes, kCrcAt))) return false;
  generation = static_cast<uint32_t>(get(bytes + 5, 4));
  decode(bytes, out);
  return true;
}

void ConfigurationSlots::load(Configuration& out) {
  Configuration second;
  uint32_t generations[2] = {};
  out = Configuration();
  const bool first = read(kNames[0], generations[0], out);
  const bool other = read(kNames[1], generations[1], second);
  generation_ = first ? generations[0] : 0;
  if (!other || (first && generations[0] - generations[1] < 0x80000000U)) return;
  out = second;
  generation_ = generations[1];
}

/** Over the older copy: an even generation stands in the first place. */
bool ConfigurationSlots::save(const Configuration& configuration) {
  uint8_t bytes[kBytes];
  const uint32_t next = generation_ + 1;
  encode(configuration, next, bytes);
  if (!store_.write(kNames[next & 1U], Span(bytes, sizeof bytes))) return false;
  generation_ = next;
  return true;
}

void ConfigurationSlots::erase() {
  store_.remove(kNames[(generation_ + 1) & 1U]);
  store_.remove(kNames[generation_ & 1U]);
  generation_ = 0;
}

}  // namespace espalier
