#pragma once
#include "espalier/ports.h"

namespace espalier {

/** What the retained status says (wire contract §4). Texts are the caller's. */
struct StatusFacts {
  Text id;
  bool hasTime = false;
  int64_t unixMs = 0;
  uint32_t boot = 0;
  double intervalS = 0;
  uint32_t uptimeS = 0;
  /** A stand-in for a board. */
  bool isVirtual = false;
  bool hasRssi = false;
  int8_t rssi = 0;
  Text board;
  Text version;
  Text slot;
  bool confirmed = true;
  Text resetReason;
  /** 0: the board does not tell. */
  uint32_t freeHeap = 0;
  uint32_t largestFreeBlock = 0;
  Text ip;
  uint32_t backlog = 0;
  uint32_t dropped = 0;
  uint32_t droppedUndatable = 0;
  bool keepReceipt = false;
  uint32_t configRev = 0;
  const Channel* channels = nullptr;
  size_t channelCount = 0;
  const Text* outputs = nullptr;
  size_t outputCount = 0;
};

/** Bytes written; 0: no room. */
[[nodiscard]] size_t encodeStatus(const StatusFacts& facts, char* out, size_t room);
[[nodiscard]] size_t encodeWill(Text id, uint32_t boot, char* out, size_t room);
/** `reason`: reboot, sleep, update; "" for none. */
[[nodiscard]] size_t encodeGoodbye(Text id, uint32_t boot, Text reason, char* out, size_t room);

}  // namespace espalier
