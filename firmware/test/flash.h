#pragma once
#include "espalier/ports.h"

namespace espalier {
namespace test {

/** What a power cut leaves of the bytes that were being written. */
enum class Tear : uint8_t { old, half, whole };
/** What stands behind half of them. */
enum class Tail : uint8_t { erased, garbage };

/** All six ways a write can end in a power cut, for a loop. */
struct Cut {
  Tear tear;
  Tail tail;
};
constexpr Cut kCuts[] = {
    {Tear::old, Tail::erased},    {Tear::old, Tail::garbage},   {Tear::half, Tail::erased},
    {Tear::half, Tail::garbage},  {Tear::whole, Tail::erased},  {Tear::whole, Tail::garbage},
};

/** Flash in memory that can lose its power at the n-th write, append or removal. From then on it does nothing and reads nothing, as code
 *  that is dead does: a test looks at off() after every step, throws away what the dead code said, and goes on with powerUp() and new
 *  objects over what was left. No heap: so many files of at most so many bytes, static. */
template <size_t kFileCount, size_t kFileBytes>
class FaultyStoreOf final : public Store {
 public:
  static constexpr size_t kFiles = kFileCount;
  static constexpr size_t kBytes = kFileBytes;
  static constexpr size_t kNameBytes = 15;

  /** The n-th change from now on (1: the next) is torn; 0: none is. */
  void cutAt(uint32_t nth, Cut how) {
    cutAt_ = nth == 0 ? 0 : changes_ + nth;
    cut_ = how;
  }
  [[nodiscard]] bool off() const { return off_; }
  void powerUp() {
    off_ = false;
    cutAt_ = 0;
  }
  /** Every write and append fails and leaves all as it was: a full or broken flash. */
  void refuse(bool yes) { refuses_ = yes; }
  /** Writes, appends and removals (of what was there) so far, the torn one too. */
  [[nodiscard]] uint32_t changes() const { return changes_; }
  /** As if new. */
  void format() {
    for (File& file : files_) {
      file.there = false;
      file.nameSize = 0;
      file.size = 0;
      file.erases = file.appends = 0;
    }
    powerUp();
    changes_ = 0;
    refuses_ = false;
  }

  [[nodiscard]] size_t read(Text name, size_t offset, uint8_t* out, size_t room) override {
    const File* file = off_ ? nullptr : find(name);
    if (file == nullptr || offset >= file->size) return 0;
    const size_t size = room < file->size - offset ? room : file->size - offset;
    if (size > 0) memcpy(out, file->bytes + offset, size);
    return size;
  }
  [[nodiscard]] bool write(Text name, Span bytes) override { return change(name, bytes, false); }
  [[nodiscard]] bool append(Text name, Span bytes) override { return change(name, bytes, true); }
  void remove(Text name) override {
    File* file = off_ ? nullptr : find(name);
    if (file == nullptr) return;
    changes_++;
    off_ = changes_ == cutAt_;
    if (!off_ || cut_.tear != Tear::old) file->there = false;
  }

  /** How often this name was written or removed (an erase of its block each), and how often appended to. */
  [[nodiscard]] uint32_t erases(Text name) { return worn(name, &File::erases); }
  [[nodiscard]] uint32_t appends(Text name) { return worn(name, &File::appends); }
  /** Bytes of all files. */
  [[nodiscard]] size_t used() const {
    size_t sum = 0;
    for (const File& file : files_) sum += file.there ? file.size : 0;
    return sum;
  }
  /** For tests that hurt what is stored. Null: there is none of this name. */
  [[nodiscard]] uint8_t* bytes(Text name, size_t& size) {
    File* file = find(name);
    size = file == nullptr ? 0 : file->size;
    return file == nullptr ? nullptr : file->bytes;
  }

 private:
  struct File {
    char name[kNameBytes] = {};
    uint8_t nameSize = 0;
    bool there = false;
    size_t size = 0;
    uint32_t erases = 0;
    uint32_t appends = 0;
    uint8_t bytes[kBytes] = {};
  };

  [[nodiscard]] File* named(Text name) {
    for (File& file : files_)
      if (file.nameSize > 0 && Text(file.name, file.nameSize).equals(name)) return &file;
    return nullptr;
  }
  [[nodiscard]] File* find(Text name) {
    File* file = named(name);
    return file != nullptr && file->there ? file : nullptr;
  }
  [[nodiscard]] uint32_t worn(Text name, uint32_t File::*what) {
    const File* file = named(name);
    return file == nullptr ? 0 : file->*what;
  }
  [[nodiscard]] File* make(Text name) {
    if (name.size == 0 || name.size > kNameBytes) return nullptr;
    File* file = named(name);
    for (File& place : files_) {
      if (file != nullptr) break;
      if (place.nameSize == 0) file = &place;
    }
    if (file == nullptr) return nullptr;
    memcpy(file->name, name.data, name.size);
    file->nameSize = static_cast<uint8_t>(name.size);
    return file;
  }

  bool change(Text name, Span bytes, bool append) {
    if (off_ || refuses_) return false;
    File* file = make(name);
    const size_t kept = file != nullptr && file->there && append ? file->size : 0;
    if (file == nullptr || bytes.size > kBytes - kept) return false;
    changes_++;
    (append ? file->appends : file->erases)++;
    off_ = changes_ == cutAt_;
    if (off_ && cut_.tear == Tear::old) return false;
    const size_t good = off_ && cut_.tear == Tear::half ? bytes.size / 2 : bytes.size;
    if (good > 0) memcpy(file->bytes + kept, bytes.data, good);
    for (size_t i = good; i < bytes.size; i++) file->bytes[kept + i] = cut_.tail == Tail::erased ? 0xFF : garbage();
    file->size = kept + bytes.size;
    file->there = true;
    return !off_;
  }

  /** The same in every run. */
  uint8_t garbage() {
    noise_ = noise_ * 1664525u + 1013904223u;
    return static_cast<uint8_t>(noise_ >> 24);
  }

  File files_[kFiles];
  uint32_t changes_ = 0;
  uint32_t cutAt_ = 0;
  uint32_t noise_ = 1;
  Cut cut_ = {Tear::old, Tail::erased};
  bool off_ = false;
  bool refuses_ = false;
};

/** As many blocks as the ring has, and some. */
using FaultyStore = FaultyStoreOf<96, 4608>;

}  // namespace test
}  // namespace espalier
