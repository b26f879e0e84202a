#include "serial.h"

#include "driver/uart.h"

namespace {

constexpr int kReceiveBytes = 1024;
/** A status fits, so that writing one does not wait. */
constexpr int kSendBytes = 2048;

}  // namespace

bool UartSerial::begin() {
  uart_config_t config = {};
  config.baud_rate = 115200;
  config.data_bits = UART_DATA_8_BITS;
  config.parity = UART_PARITY_DISABLE;
  config.stop_bits = UART_STOP_BITS_1;
  config.flow_ctrl = UART_HW_FLOWCTRL_DISABLE;
  return uart_driver_install(UART_NUM_0, kReceiveBytes, kSendBytes, 0, nullptr, 0) == ESP_OK &&
         uart_param_config(UART_NUM_0, &config) == ESP_OK;
}

size_t UartSerial::read(uint8_t* out, size_t room) {
  const int got = uart_read_bytes(UART_NUM_0, out, static_cast<uint32_t>(room), 0);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

void UartSerial::write(espalier::Span bytes) { (void)uart_write_bytes(UART_NUM_0, bytes.data, bytes.size); }
