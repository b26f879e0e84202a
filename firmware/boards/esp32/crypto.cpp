#include "crypto.h"

#include "mbedtls/ecp.h"
#include "mbedtls/pk.h"

using espalier::Span;

void MbedCrypto::sha256Begin() {
  mbedtls_sha256_free(&sha_);
  mbedtls_sha256_init(&sha_);
  good_ = mbedtls_sha256_starts(&sha_, 0) == 0;
}

void MbedCrypto::sha256Add(Span bytes) { good_ = good_ && mbedtls_sha256_update(&sha_, bytes.data, bytes.size) == 0; }

/** All zero where the engine failed: no image has that hash. */
void MbedCrypto::sha256End(uint8_t out[32]) {
  if (!good_ || mbedtls_sha256_finish(&sha_, out) != 0) memset(out, 0, 32);
  mbedtls_sha256_free(&sha_);
}

bool MbedCrypto::verify(Span publicKey, const uint8_t hash[32], Span signature) {
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  // By its name: 256 bits alone would let secp256k1 in.
  const bool good = mbedtls_pk_parse_public_key(&key, publicKey.data, publicKey.size) == 0 &&
                    mbedtls_pk_get_type(&key) == MBEDTLS_PK_ECKEY &&
                    mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key)) == MBEDTLS_ECP_DP_SECP256R1 &&
                    mbedtls_pk_verify(&key, MBEDTLS_MD_SHA256, hash, 32, signature.data, signature.size) == 0;
  mbedtls_pk_free(&key);
  return good;
}
