#include "espalier/crc32.h"

namespace espalier {
namespace {

/** Of half a byte: 64 bytes of table in place of 1,024, and twice the steps. */
constexpr uint32_t kNibbles[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
    0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
};

}  // namespace

uint32_t crc32(Span bytes, uint32_t before) {
  uint32_t crc = ~before;
  for (size_t i = 0; i < bytes.size; i++) {
    crc ^= bytes.data[i];
    crc = (crc >> 4U) ^ kNibbles[crc & 15U];
    crc = (crc >> 4U) ^ kNibbles[crc & 15U];
  }
  return ~crc;
}

}  // namespace espalier
