#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t state[27];
} mbedtls_sha256_context;

extern "C" {
void mbedtls_sha256_init(mbedtls_sha256_context* context);
void mbedtls_sha256_free(mbedtls_sha256_context* context);
int mbedtls_sha256_starts(mbedtls_sha256_context* context, int is224);
int mbedtls_sha256_update(mbedtls_sha256_context* context, const unsigned char* bytes, size_t size);
int mbedtls_sha256_finish(mbedtls_sha256_context* context, unsigned char* out);
}
