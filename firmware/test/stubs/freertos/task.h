#pragma once
#ifndef INC_FREERTOS_H
#error "FreeRTOS.h comes first"
#endif

struct tskTaskControlBlock;
typedef struct tskTaskControlBlock* TaskHandle_t;
typedef void (*TaskFunction_t)(void*);

extern "C" {
BaseType_t xTaskCreate(TaskFunction_t code, const char* name, uint32_t stackBytes, void* parameter, UBaseType_t priority,
                       TaskHandle_t* created);
void vTaskDelete(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
}
