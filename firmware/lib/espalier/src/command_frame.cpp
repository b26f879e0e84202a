#include "command_frame.h"

#include "espalier/crc32.h"

namespace espalier {
namespace {

constexpr uint8_t kMagic = 0xEC;
constexpr uint8_t kHasError = 1;
constexpr uint8_t kDelivered = 2;

void put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value & 0xFFU);
  at[1] = static_cast<uint8_t>(value >> 8U);
}
void put32(uint8_t* at, uint32_t value) {
  put16(at, static_cast<uint16_t>(value & 0xFFFFU));
  put16(at + 2, static_cast<uint16_t>(value >> 16U));
}
uint16_t get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] | at[1] << 8); }
uint32_t get32(const uint8_t* at) { return get16(at) | static_cast<uint32_t>(get16(at + 2)) << 16U; }

}  // namespace

void CommandFrame::seal(uint8_t* bytes) const {
  const size_t whole = size();
  bytes[0] = kMagic;
  bytes[1] = static_cast<uint8_t>(kind);
  put16(bytes + 2, static_cast<uint16_t>(whole));
  put32(bytes + 4, generation);
  put32(bytes + 8, what.order);
  put32(bytes + 12, what.crc);
  bytes[16] = place;
  bytes[17] = what.builtin;
  bytes[18] = static_cast<uint8_t>(what.state);
  bytes[19] = static_cast<uint8_t>((what.hasError ? kHasError : 0) | (what.delivered ? kDelivered : 0));
  bytes[20] = static_cast<uint8_t>(what.error);
  bytes[21] = idSize;
  bytes[22] = nameSize;
  bytes[23] = messageSize;
  put16(bytes + 24, resultSize);
  put16(bytes + 26, 0);
  put32(bytes + whole - 4, crc32(Span(bytes, whole - 4)));
}

bool CommandFrame::open(const uint8_t* bytes) {
  if (bytes[0] != kMagic || bytes[1] < 1 || bytes[1] > 3) return false;
  kind = static_cast<Kind>(bytes[1]);
  generation = get32(bytes + 4);
  what = CommandPlace();
  what.order = get32(bytes + 8);
  what.crc = get32(bytes + 12);
  place = bytes[16];
  what.builtin = bytes[17];
  what.state = static_cast<contract::AckState>(bytes[18]);
  what.hasError = (bytes[19] & kHasError) != 0;
  what.delivered = (bytes[19] & kDelivered) != 0;
  what.error = static_cast<contract::CommandError>(bytes[20]);
  idSize = bytes[21];
  nameSize = bytes[22];
  messageSize = bytes[23];
  resultSize = get16(bytes + 24);
  what.size = get16(bytes + 2);
  const bool fits = idSize <= contract::kShortBytes && nameSize <= contract::kShortBytes && resultSize <= sizes::kAckResultBytes &&
                    messageSize <= sizes::kAckMessageBytes;
  return fits && what.size == size() && place < CommandMemory::kPlaces && bytes[18] < contract::kAckStates &&
         bytes[20] < contract::kCommandErrors;
}

bool CommandFrame::sound(const uint8_t* bytes) const {
  return get32(bytes + size() - 4) == crc32(Span(bytes, size() - 4));
}

void CommandFrame::texts(const uint8_t* bytes, CommandRecord& out) const {
  const auto* at = reinterpret_cast<const char*>(bytes) + kHead;
  out.id = Text(at, idSize);
  out.name = Text(at + idSize, nameSize);
  out.result = Text(at + idSize + nameSize, resultSize);
  out.message = Text(at + idSize + nameSize + resultSize, messageSize);
}

}  // namespace espalier
