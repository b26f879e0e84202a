#pragma once
#include <stddef.h>
#include <stdint.h>

namespace espalier {
namespace host {

/** What a power cut leaves of the bytes that were being written. */
enum class Tear : uint8_t { old, half, whole };
/** What stands behind half of them. */
enum class Tail : uint8_t { erased, garbage };

/** The power of everything in one host that pretends to be flash: files, slots, otadata. It can go at the n-th change. From then on nothing
 *  changes any more and `whenCut` is called; a process ends there, a test looks at off(). */
class Power {
 public:
  /** The n-th change from now on (1: the next) is torn; 0: none is. */
  void cutAt(uint32_t nth, Tear tear, Tail tail);
  void whenCut(void (*handler)()) { handler_ = handler; }
  /** Each change takes so long. */
  void slow(uint32_t microseconds) { slowUs_ = microseconds; }
  [[nodiscard]] bool off() const { return off_; }
  /** As a test goes on after a cut. */
  void on();
  [[nodiscard]] uint32_t changes() const { return changes_; }

  /** A change begins. Makes of the bytes that are to be written those that will stand there; false: the old ones stay. */
  [[nodiscard]] bool change(uint8_t* bytes, size_t size);
  /** It stands there now. False: that was the last one. */
  [[nodiscard]] bool changed();

 private:
  uint8_t garbage();

  void (*handler_)() = nullptr;
  uint32_t changes_ = 0;
  uint32_t cutAt_ = 0;
  uint32_t slowUs_ = 0;
  uint32_t noise_ = 1;
  Tear tear_ = Tear::old;
  Tail tail_ = Tail::erased;
  bool off_ = false;
};

}  // namespace host
}  // namespace espalier
