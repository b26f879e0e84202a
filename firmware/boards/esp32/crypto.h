#pragma once
#include "espalier/ports.h"
#include "mbedtls/sha256.h"

/** Mbed TLS 3.6. SHA-256 runs on the chip's own engine behind the same calls. */
class MbedCrypto final : public espalier::Crypto {
 public:
  void sha256Begin() override;
  void sha256Add(espalier::Span bytes) override;
  void sha256End(uint8_t out[32]) override;
  [[nodiscard]] bool verify(espalier::Span publicKey, const uint8_t hash[32], espalier::Span signature) override;

 private:
  mbedtls_sha256_context sha_ = {};
  bool good_ = false;
};
