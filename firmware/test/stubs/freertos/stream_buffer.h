#pragma once
#include "freertos/FreeRTOS.h"

struct StreamBufferDef_t;
typedef struct StreamBufferDef_t* StreamBufferHandle_t;
typedef struct {
  uint32_t state[9];
} StaticStreamBuffer_t;

extern "C" {
StreamBufferHandle_t xStreamBufferCreateStatic(size_t bytes, size_t trigger, uint8_t* storage, StaticStreamBuffer_t* state);
size_t xStreamBufferSend(StreamBufferHandle_t buffer, const void* data, size_t size, TickType_t wait);
size_t xStreamBufferReceive(StreamBufferHandle_t buffer, void* out, size_t room, TickType_t wait);
BaseType_t xStreamBufferReset(StreamBufferHandle_t buffer);
}
