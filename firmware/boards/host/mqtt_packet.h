#pragma once
#include <stddef.h>
#include <stdint.h>

namespace espalier {
namespace host {

/** The largest packet the contract lets a broker send. */
constexpr size_t kPacketBytes = 66560;
/** Kind and length of a packet, at most. */
constexpr size_t kHeadBytes = 5;

/** Kinds of packets of MQTT 3.1.1, as their first four bits say. */
enum Type : uint8_t {
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kSubscribe = 8,
  kSuback = 9,
  kPingreq = 12,
  kPingresp = 13,
  kDisconnect = 14,
};

/** Of no clock that --clock-rate moves. */
[[nodiscard]] uint64_t realMs();

}  // namespace host
}  // namespace espalier
