#pragma once
#include "esp_err.h"
#include "freertos/FreeRTOS.h"

struct QueueDefinition;
typedef struct QueueDefinition* QueueHandle_t;
typedef enum { UART_NUM_0, UART_NUM_1 } uart_port_t;
typedef enum { UART_DATA_5_BITS, UART_DATA_8_BITS = 3 } uart_word_length_t;
typedef enum { UART_PARITY_DISABLE = 0 } uart_parity_t;
typedef enum { UART_STOP_BITS_1 = 1 } uart_stop_bits_t;
typedef enum { UART_HW_FLOWCTRL_DISABLE = 0 } uart_hw_flowcontrol_t;
typedef struct {
  int baud_rate;
  uart_word_length_t data_bits;
  uart_parity_t parity;
  uart_stop_bits_t stop_bits;
  uart_hw_flowcontrol_t flow_ctrl;
} uart_config_t;

extern "C" {
esp_err_t uart_driver_install(uart_port_t port, int receiveBytes, int sendBytes, int queue, QueueHandle_t* out, int flags);
esp_err_t uart_param_config(uart_port_t port, const uart_config_t* config);
int uart_read_bytes(uart_port_t port, void* out, uint32_t room, TickType_t wait);
int uart_write_bytes(uart_port_t port, const void* data, size_t size);
}
