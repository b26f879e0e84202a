#pragma once
#include "espalier/contract.gen.h"

namespace espalier {

/** What the core owns, in one place: fixed arrays, no heap after begin(). */
namespace sizes {

/** All of it together is one Node, of so many bytes at most on a board: node.h holds it to that. */
constexpr size_t kNodeBytes = 24576;

/** Values of one reading. */
constexpr size_t kChannels = 8;
constexpr size_t kSensors = 4;
constexpr size_t kOutputs = 4;
/** Readings in RAM: what is on its way, and what waits for its five seconds before it goes to flash. */
constexpr size_t kRamReadings = 64;
/** The ring's files in flash, one erase block each. 8,640 readings of two values fit. The board's LittleFS has 80 blocks: with 56 files and the
 *  core's others, each at its longest and one rewritten, 73 are used; with 58 the disk was full (measured). */
constexpr size_t kSegments = 56;
constexpr size_t kSegmentBytes = 4096;
/** The longest payload we send: a status at its limit, or a batch of as many readings as fit. */
constexpr size_t kOutBytes = contract::kStatusBytes;
constexpr size_t kInBytes = contract::kCommandBytes;
constexpr size_t kTopicBytes = 64;
/** A provisioning document: Wi-Fi, broker, credentials, certificates (PEM). With its frame it fits where a payload does. */
constexpr size_t kSettingsBytes = kOutBytes - 16;
constexpr size_t kPemBytes = 1536;
constexpr size_t kAckResultBytes = 512;
constexpr size_t kAckMessageBytes = 192;
/** Of remembered commands at most so much stays when their log is written anew; the log is so much longer at most. */
constexpr size_t kRememberedBytes = 16384;
constexpr size_t kRememberedLogBytes = 4096;
/** Own messages without PUBACK (the contract allows 8); one place is kept for last words. */
constexpr size_t kWindow = 7;
constexpr size_t kBacklogWindow = 5;

}  // namespace sizes
}  // namespace espalier
