#pragma once
#include "espalier/ports.h"

/** The chip itself: chance, resets, memory, and the watchdog over our loop. */
class EspSystem final : public espalier::System {
 public:
  explicit EspSystem(espalier::Serial& serial) : serial_(serial) {}
  /** Watches the calling task. Long enough for TLS and a slow flash; a loop that hangs resets the board. */
  [[nodiscard]] bool watch();
  void feed();
  [[nodiscard]] uint32_t random() override;
  void restart() override;
  [[nodiscard]] espalier::Text resetReason() override;
  [[nodiscard]] uint32_t freeHeap() override;
  [[nodiscard]] uint32_t largestFreeBlock() override;
  void executing(espalier::Text, espalier::Text, espalier::Text, uint32_t) override {}
  void log(espalier::Text line) override;

 private:
  espalier::Serial& serial_;
};
