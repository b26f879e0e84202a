#pragma once
#include "esp_err.h"

/** The pins of the classic ESP32 that are outputs without side effects. */
typedef enum { GPIO_NUM_NC = -1, GPIO_NUM_2 = 2, GPIO_NUM_4 = 4, GPIO_NUM_16 = 16, GPIO_NUM_23 = 23, GPIO_NUM_26 = 26 } gpio_num_t;
typedef enum { GPIO_MODE_DISABLE = 0, GPIO_MODE_INPUT = 1, GPIO_MODE_OUTPUT = 2 } gpio_mode_t;

extern "C" {
esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level);
esp_err_t gpio_set_direction(gpio_num_t pin, gpio_mode_t mode);
}
