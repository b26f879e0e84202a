#pragma once
#include "espalier/base64.h"
#include "espalier/crc32.h"
#include "espalier/json_writer.h"
#include "espalier/updater.h"

/** What tests of the update machine stand on, without heap or files: an image, a server for it, slots in memory, a board that is still. */
namespace espalier {
namespace test {

/** Something that begins like an executable, is otherwise noise, and says what it is across the border of two sectors. */
inline void makeImage(uint8_t* bytes, size_t size, Text board, Text version, uint32_t noise) {
  constexpr uint8_t kHead[4] = {0x7F, 'E', 'L', 'F'};
  for (size_t i = 0; i < size; i++) {
    noise = noise * 1664525U + 1013904223U;
    bytes[i] = static_cast<uint8_t>(noise >> 24U);
  }
  memcpy(bytes, kHead, sizeof kHead);
  const ImageMarker marker = imageMarker(board, version);
  memcpy(bytes + 4096 - 40, &marker, sizeof marker);
}

/** Serves one image as a server that can be told to misbehave. */
class ServedHttp final : public Http {
 public:
  Span image;
  /** In place of 200 and 206. */
  int answers = 0;
  /** A body breaks off after so many bytes; 0: never. */
  size_t breaksAfter = 0;
  /** How many more bodies break off so. */
  uint32_t breaks = 0;
  bool ignoresRange = false;
  bool refusesRange = false;
  bool unreachable = false;
  bool silent = false;
  size_t pieceBytes = 512;
  uint32_t opens = 0;
  uint64_t served = 0;
  size_t lastOffset = 0;
  char url[contract::kUpdateTextBytes] = {};
  size_t urlSize = 0;

  [[nodiscard]] bool open(Text wanted, size_t offset) override {
    opens++;
    memcpy(url, wanted.data, wanted.size);
    urlSize = wanted.size;
    lastOffset = offset;
    status_ = 0;
    sent_ = 0;
    open_ = !unreachable;
    part_ = offset > 0 && !ignoresRange;
    at_ = part_ ? offset : 0;
    return open_;
  }
  HttpState read(uint8_t* out, size_t room, size_t& got) override {
    got = 0;
    if (!open_) return HttpState::failed;
    if (silent) return HttpState::waiting;
    const bool beyond = part_ && (refusesRange || at_ >= image.size);
    status_ = answers != 0 ? answers : beyond ? 416 : part_ ? 206 : 200;
    if (status_ >= 300) return HttpState::waiting;
    if (breaks > 0 && sent_ >= breaksAfter) {
      breaks--;
      open_ = false;
      return HttpState::failed;
    }
    if (at_ >= image.size) return HttpState::done;
    got = room < pieceBytes ? room : pieceBytes;
    if (got > image.size - at_) got = image.size - at_;
    if (breaks > 0 && got > breaksAfter - sent_) got = breaksAfter - sent_;
    memcpy(out, image.data + at_, got);
    at_ += got;
    sent_ += got;
    served += got;
    return HttpState::data;
  }
  [[nodiscard]] int status() override { return status_; }
  void close() override { open_ = false; }

 private:
  size_t at_ = 0;
  size_t sent_ = 0;
  int status_ = 0;
  bool open_ = false;
  bool part_ = false;
};

/** Two slots, and the bootloader's ways with them. */
template <size_t kBytes>
class MemorySlots final : public Slots {
 public:
  enum class State : uint8_t { empty, fresh, pending, valid, invalid };
  size_t room = kBytes;
  uint32_t begins = 0;
  bool unwritable = false;

  [[nodiscard]] size_t capacity() override { return room; }
  [[nodiscard]] bool begin(size_t offset) override {
    begins++;
    if (states_[running_] == State::pending || offset % 4096 != 0) return false;
    if (offset == 0) states_[1 - running_] = State::empty;
    at_ = offset;
    return true;
  }
  [[nodiscard]] bool write(Span bytes) override {
    if (unwritable || bytes.size > kBytes - at_) return false;
    memcpy(bytes_[1 - running_] + at_, bytes.data, bytes.size);
    at_ += bytes.size;
    return true;
  }
  [[nodiscard]] bool read(size_t offset, uint8_t* out, size_t size) override {
    if (size > kBytes - offset) return false;
    memcpy(out, bytes_[1 - running_] + offset, size);
    return true;
  }
  [[nodiscard]] bool select() override {
    states_[1 - running_] = State::fresh;
    return true;
  }
  [[nodiscard]] bool gaveUp() override { return states_[1 - running_] == State::invalid; }
  [[nodiscard]] bool onTrial() override { return states_[running_] == State::pending; }
  [[nodiscard]] bool confirm() override {
    states_[running_] = State::valid;
    return true;
  }
  void rollBack() override {
    states_[running_] = State::invalid;
    reset();
  }
  [[nodiscard]] Text running() override { return running_ == 0 ? Text("app0") : Text("app1"); }

  /** Whatever the reason. */
  void reset() {
    if (states_[running_] == State::pending) states_[running_] = State::invalid;
    const int other = 1 - running_;
    const bool toOther = states_[other] == State::fresh || states_[running_] == State::invalid;
    if (toOther) running_ = other;
    if (states_[running_] == State::fresh) states_[running_] = State::pending;
  }
  [[nodiscard]] const uint8_t* other() const { return bytes_[1 - running_]; }
  [[nodiscard]] uint8_t* other() { return bytes_[1 - running_]; }
  [[nodiscard]] const uint8_t* image() const { return bytes_[running_]; }

 private:
  uint8_t bytes_[2][kBytes] = {};
  State states_[2] = {State::valid, State::empty};
  size_t at_ = 0;
  int running_ = 0;
};

/** No hash and no signature, but as sensitive to every bit: eight checksums, and a key that is added to them. */
class PlainCrypto final : public Crypto {
 public:
  void sha256Begin() override {
    for (uint32_t i = 0; i < 8; i++) sums_[i] = i;
  }
  void sha256Add(Span bytes) override {
    for (uint32_t& sum : sums_) sum = crc32(bytes, sum);
  }
  void sha256End(uint8_t out[32]) override { memcpy(out, sums_, 32); }
  [[nodiscard]] bool verify(Span publicKey, const uint8_t hash[32], Span signature) override {
    if (signature.size != 32) return false;
    for (size_t i = 0; i < 32; i++)
      if (static_cast<uint8_t>(hash[i] + publicKey.data[0]) != signature.data[i]) return false;
    return true;
  }

 private:
  uint32_t sums_[8] = {};
};

class StillSystem final : public System {
 public:
  uint32_t block = 0;
  [[nodiscard]] uint32_t random() override { return noise_ = noise_ * 1664525U + 1013904223U; }
  void restart() override {}
  [[nodiscard]] Text resetReason() override { return "software"; }
  [[nodiscard]] uint32_t freeHeap() override { return block; }
  [[nodiscard]] uint32_t largestFreeBlock() override { return block; }
  void executing(Text, Text, Text, uint32_t) override {}
  void log(Text) override {}

 private:
  uint32_t noise_ = 7;
};

/** What an order says; a test changes what it likes before it is written. */
struct Order {
  Text id = "01UPDATE";
  Text url = "https://192.168.1.10:8443/fw/x?t=1";
  Text board = "bench";
  Text version = "1.1.0";
  uint32_t size = 0;
  uint8_t sha256[32] = {};
  uint8_t signature[80] = {};
  size_t signatureSize = 0;
  bool force = false;
  /** The message; a Command points into it. */
  char payload[contract::kCommandBytes] = {};

  [[nodiscard]] size_t manifest(char* out, size_t room) const {
    JsonWriter writer(out, room);
    writer.raw("espalier-fw/1\n").raw(board).raw("\n").raw(version).raw("\n").whole(size).raw("\n").raw(hex().text()).raw("\n");
    return writer.size();
  }
  [[nodiscard]] bool write(Command& out) {
    char encoded[112];
    const size_t encodedSize = encodeBase64(Span(signature, signatureSize), encoded, sizeof encoded);
    JsonWriter writer(payload, sizeof payload);
    writer.raw("{\"id\":").string(id).raw(",\"command\":\"update_firmware\",\"params\":{\"url\":").string(url);
    writer.raw(",\"board\":").string(board).raw(",\"version\":").string(version).raw(",\"size\":").whole(size);
    writer.raw(",\"sha256\":").string(hex().text()).raw(",\"signature\":").string(Text(encoded, encodedSize));
    writer.raw(",\"force\":").boolean(force).raw("}}");
    return writer.size() > 0 && readCommand(Text(payload, writer.size()), out);
  }

 private:
  struct Hex {
    char digits[64];
    [[nodiscard]] Text text() const { return Text(digits, sizeof digits); }
  };
  [[nodiscard]] Hex hex() const {
    Hex out;
    for (size_t i = 0; i < 64; i++) out.digits[i] = "0123456789abcdef"[static_cast<uint32_t>(sha256[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15U];
    return out;
  }
};

}  // namespace test
}  // namespace espalier
