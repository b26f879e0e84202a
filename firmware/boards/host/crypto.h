#pragma once
#include "espalier/ports.h"

struct evp_md_ctx_st;

namespace espalier {
namespace host {

/** SHA-256 and ECDSA P-256 by OpenSSL. */
class OpensslCrypto final : public Crypto {
 public:
  OpensslCrypto();
  ~OpensslCrypto();
  OpensslCrypto(const OpensslCrypto&) = delete;
  OpensslCrypto& operator=(const OpensslCrypto&) = delete;

  void sha256Begin() override;
  void sha256Add(Span bytes) override;
  void sha256End(uint8_t out[32]) override;
  [[nodiscard]] bool verify(Span publicKey, const uint8_t hash[32], Span signature) override;

 private:
  evp_md_ctx_st* digest_;
};

}  // namespace host
}  // namespace espalier
