#pragma once

typedef enum { MBEDTLS_ECP_DP_NONE = 0, MBEDTLS_ECP_DP_SECP256R1 = 3 } mbedtls_ecp_group_id;
struct mbedtls_ecp_keypair;
typedef struct mbedtls_ecp_keypair mbedtls_ecp_keypair;

extern "C" mbedtls_ecp_group_id mbedtls_ecp_keypair_get_group_id(const mbedtls_ecp_keypair* key);
