#pragma once
#include <stddef.h>

#include "mbedtls/ecp.h"

typedef enum { MBEDTLS_PK_NONE = 0, MBEDTLS_PK_RSA, MBEDTLS_PK_ECKEY } mbedtls_pk_type_t;
typedef enum { MBEDTLS_MD_NONE = 0, MBEDTLS_MD_SHA256 = 9 } mbedtls_md_type_t;
typedef struct {
  const void* info;
  void* context;
} mbedtls_pk_context;

extern "C" {
void mbedtls_pk_init(mbedtls_pk_context* key);
void mbedtls_pk_free(mbedtls_pk_context* key);
int mbedtls_pk_parse_public_key(mbedtls_pk_context* key, const unsigned char* bytes, size_t size);
mbedtls_pk_type_t mbedtls_pk_get_type(const mbedtls_pk_context* key);
int mbedtls_pk_verify(mbedtls_pk_context* key, mbedtls_md_type_t kind, const unsigned char* hash, size_t hashSize,
                      const unsigned char* signature, size_t signatureSize);
}
// In the real header a function that knows the context's inside.
mbedtls_ecp_keypair* mbedtls_pk_ec(const mbedtls_pk_context key);
