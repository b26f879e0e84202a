#include "crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace espalier {
namespace host {
namespace {

/** 256 bits alone would let other curves in. */
bool isP256(const EVP_PKEY* key) {
  char name[32] = {};
  size_t size = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &size) != 1) return false;
  return strcmp(name, "prime256v1") == 0;
}

}  // namespace

OpensslCrypto::OpensslCrypto() : digest_(EVP_MD_CTX_new()) {}

OpensslCrypto::~OpensslCrypto() { EVP_MD_CTX_free(digest_); }

void OpensslCrypto::sha256Begin() { (void)EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr); }

void OpensslCrypto::sha256Add(Span bytes) { (void)EVP_DigestUpdate(digest_, bytes.data, bytes.size); }

void OpensslCrypto::sha256End(uint8_t out[32]) {
  memset(out, 0, 32);
  (void)EVP_DigestFinal_ex(digest_, out, nullptr);
}

bool OpensslCrypto::verify(Span publicKey, const uint8_t hash[32], Span signature) {
  const unsigned char* at = publicKey.data;
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(publicKey.size));
  bool good = key != nullptr && at == publicKey.data + publicKey.size && isP256(key);
  EVP_PKEY_CTX* check = good ? EVP_PKEY_CTX_new(key, nullptr) : nullptr;
  good = check != nullptr && EVP_PKEY_verify_init(check) == 1 && EVP_PKEY_CTX_set_signature_md(check, EVP_sha256()) == 1 &&
         EVP_PKEY_verify(check, signature.data, signature.size, hash, 32) == 1;
  EVP_PKEY_CTX_free(check);
  EVP_PKEY_free(key);
  return good;
}

}  // namespace host
}  // namespace espalier
