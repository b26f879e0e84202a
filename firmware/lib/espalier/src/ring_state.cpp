#include "espalier/ring_state.h"

#include "espalier/crc32.h"
#include "ring_bytes.h"

namespace espalier {
namespace {

using namespace ring;

constexpr uint32_t kVersion = 1;
/** version, generation, six numbers, CRC. */
constexpr size_t kBytes = 9 * 4;

constexpr Text nameOf(uint32_t generation) { return generation % 2 == 0 ? Text("ring.a") : Text("ring.b"); }

bool read(Store& store, uint32_t copy, uint32_t& generation, RingState& out) {
  uint8_t bytes[kBytes];
  if (store.read(nameOf(copy), 0, bytes, kBytes) < kBytes) return false;
  const auto word = [&bytes](size_t i) { return static_cast<uint32_t>(getFixed(bytes + 4 * i, 4)); };
  if (word(0) != kVersion || word(8) != crc32(Span(bytes, kBytes - 4))) return false;
  generation = word(1);
  out.phase = word(2);
  out.dropped = word(3);
  out.droppedUndatable = word(4);
  out.goneSegments = word(5);
  out.goneReadings = word(6);
  out.countedSegments = word(7);
  return true;
}

}  // namespace

bool RingStateFile::load(RingState& out) {
  RingState states[2];
  uint32_t generations[2] = {0, 0};
  bool good[2];
  for (uint32_t copy = 0; copy < 2; copy++) good[copy] = read(store_, copy, generations[copy], states[copy]);
  if (!good[0] && !good[1]) return false;
  const size_t newer = !good[0] || (good[1] && generations[1] > generations[0]) ? 1 : 0;
  generation_ = generations[newer];
  out = states[newer];
  return true;
}

bool RingStateFile::save(const RingState& state) {
  uint8_t bytes[kBytes];
  const uint32_t words[] = {kVersion,           generation_ + 1,     state.phase, state.dropped, state.droppedUndatable,
                            state.goneSegments, state.goneReadings, state.countedSegments};
  size_t size = 0;
  for (const uint32_t word : words) size += putFixed(bytes + size, word, 4);
  putFixed(bytes + size, crc32(Span(bytes, size)), 4);
  if (!store_.write(nameOf(generation_ + 1), Span(bytes, kBytes))) return false;
  generation_++;
  return true;
}

}  // namespace espalier
