#pragma once
#include "freertos/stream_buffer.h"

typedef StreamBufferHandle_t MessageBufferHandle_t;
typedef StaticStreamBuffer_t StaticMessageBuffer_t;

extern "C" {
MessageBufferHandle_t xMessageBufferCreateStatic(size_t bytes, uint8_t* storage, StaticMessageBuffer_t* state);
size_t xMessageBufferSend(MessageBufferHandle_t buffer, const void* data, size_t size, TickType_t wait);
size_t xMessageBufferReceive(MessageBufferHandle_t buffer, void* out, size_t room, TickType_t wait);
size_t xMessageBufferSpacesAvailable(MessageBufferHandle_t buffer);
BaseType_t xMessageBufferReset(MessageBufferHandle_t buffer);
}
