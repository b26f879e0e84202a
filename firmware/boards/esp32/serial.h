#pragma once
#include "espalier/ports.h"

/** UART0, the one behind the USB socket, by IDF's own driver: Arduino's Serial is never begun. */
class UartSerial final : public espalier::Serial {
 public:
  [[nodiscard]] bool begin();
  [[nodiscard]] size_t read(uint8_t* out, size_t room) override;
  void write(espalier::Span bytes) override;
};
