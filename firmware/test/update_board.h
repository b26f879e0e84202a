#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "../boards/host/crypto.h"
#include "../boards/host/slots.h"
#include "update_bench.h"

/** A board whose slots are files with ESP-IDF's states, with real signatures, and flash that loses its power anywhere: what
 *  update_cuts.cpp and update_bad.cpp put through updates. On the host alone. */
namespace espalier {
namespace test {

[[noreturn]] inline void stop(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}
inline void must(bool good, const char* what) {
  if (!good) stop(what);
}

/** Small files in memory, of the same power as the slots: one count over every flash write of an update. */
class PoweredStore final : public Store {
 public:
  explicit PoweredStore(host::Power& power) : power_(power) {}
  void format() {
    for (File& file : files_) file = File();
  }
  [[nodiscard]] size_t used() const {
    size_t sum = 0;
    for (const File& file : files_) sum += file.size;
    return sum;
  }
  [[nodiscard]] size_t read(Text name, size_t offset, uint8_t* out, size_t room) override {
    const File* file = find(name);
    if (power_.off() || file == nullptr || offset >= file->size) return 0;
    const size_t size = room < file->size - offset ? room : file->size - offset;
    memcpy(out, file->bytes + offset, size);
    return size;
  }
  [[nodiscard]] bool write(Text name, Span bytes) override {
    uint8_t torn[sizeof File::bytes];
    must(bytes.size <= sizeof torn && name.size <= sizeof File::name, "larger than this store");
    memcpy(torn, bytes.data, bytes.size);
    if (power_.change(torn, bytes.size)) {
      File* file = find(name);
      for (File& place : files_)
        if (file == nullptr && place.nameSize == 0) file = &place;
      must(file != nullptr, "more files than this store has");
      memcpy(file->name, name.data, name.size);
      file->nameSize = name.size;
      memcpy(file->bytes, torn, bytes.size);
      file->size = bytes.size;
    }
    return power_.changed();
  }
  [[nodiscard]] bool append(Text, Span) override { stop("the updater appends nothing"); }
  void remove(Text name) override {
    File* file = find(name);
    uint8_t none = 0;
    if (file != nullptr && power_.change(&none, 1)) *file = File();
    (void)power_.changed();
  }

 private:
  struct File {
    char name[15] = {};
    size_t nameSize = 0;
    size_t size = 0;
    uint8_t bytes[1024] = {};
  };
  [[nodiscard]] File* find(Text name) {
    for (File& file : files_)
      if (file.nameSize > 0 && Text(file.name, file.nameSize).equals(name)) return &file;
    return nullptr;
  }
  host::Power& power_;
  File files_[6];
};

/** Signs as `firmware add` does: ECDSA P-256 with SHA-256, DER. */
class Signer {
 public:
  Signer() : key_(EVP_EC_gen("P-256")) {
    unsigned char* out = publicKey_;
    const int size = i2d_PUBKEY(key_, nullptr);
    must(size > 0 && static_cast<size_t>(size) <= sizeof publicKey_, "no key");
    publicKeySize_ = static_cast<size_t>(i2d_PUBKEY(key_, &out));
  }
  ~Signer() { EVP_PKEY_free(key_); }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  [[nodiscard]] Span publicKey() const { return Span(publicKey_, publicKeySize_); }
  void sign(Order& order) const {
    char text[512];
    const size_t size = order.manifest(text, sizeof text);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    order.signatureSize = sizeof order.signature;
    const bool good = EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_) == 1 &&
                      EVP_DigestSign(context, order.signature, &order.signatureSize, reinterpret_cast<const uint8_t*>(text), size) == 1;
    EVP_MD_CTX_free(context);
    must(good && size > 0, "not signed");
  }

 private:
  EVP_PKEY* key_;
  uint8_t publicKey_[128] = {};
  size_t publicKeySize_ = 0;
};

inline void hashInto(Span bytes, uint8_t out[32]) {
  unsigned size = 32;
  must(EVP_Digest(bytes.data, bytes.size, out, &size, EVP_sha256(), nullptr) == 1, "no hash");
}

constexpr size_t kImageBytes = 65536;
constexpr size_t kCapacity = 2 * kImageBytes;

/** What a world of one board is made of. */
struct Board {
  explicit Board(const char* where) : directory(where), store(power) {
    makeImage(oldImage, kImageBytes, "bench", "1.0.0", 1);
    makeImage(newImage, kImageBytes, "bench", "1.1.0", 2);
    char path[4096];
    must(host::slotPath(directory, 7, path, sizeof path), "the directory's name is too long");
    FILE* file = fopen(path, "wb");
    must(file != nullptr && fwrite(oldImage, 1, kImageBytes, file) == kImageBytes && fclose(file) == 0, "no place for the image");
    memcpy(cable, path, sizeof cable);
  }
  /** As new, with the old image, and the new one offered and signed. */
  void lay() {
    power.on();
    store.format();
    must(host::flashByCable(directory, cable), "not flashed");
    http = ServedHttp();
    http.image = Span(newImage, kImageBytes);
    order = Order();
    order.size = kImageBytes;
    hashInto(http.image, order.sha256);
    signer.sign(order);
  }
  /** Which image stands in a slot, to the bit: 0 the old one, 1 the new one, -1 neither. */
  [[nodiscard]] int imageIn(int slot) const {
    static uint8_t bytes[kImageBytes];
    char path[4096];
    if (!host::slotPath(directory, slot, path, sizeof path)) return -1;
    FILE* file = fopen(path, "rb");
    if (file == nullptr) return -1;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    if (size != kImageBytes) return -1;
    return memcmp(bytes, oldImage, size) == 0 ? 0 : memcmp(bytes, newImage, size) == 0 ? 1 : -1;
  }

  const char* directory;
  char cable[4096] = {};
  host::Power power;
  PoweredStore store;
  host::OpensslCrypto crypto;
  ServedHttp http;
  StillSystem system;
  Signer signer;
  Order order;
  uint8_t oldImage[kImageBytes];
  uint8_t newImage[kImageBytes];
};

inline const Build kBuilds[2] = {{"bench", "1.0.0", false, false}, {"bench", "1.1.0", false, false}};

}  // namespace test
}  // namespace espalier
