#include "provision.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "espalier/json_writer.h"
#include "espalier/secret.h"
#include "espalier/settings.h"

namespace espalier {
namespace host {
namespace {

bool readFile(const std::string& path, std::string& out) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char piece[4096];
  ssize_t got = 0;
  while ((got = read(file, piece, sizeof piece)) > 0 && out.size() < 65536) out.append(piece, static_cast<size_t>(got));
  close(file);
  wipe(piece, sizeof piece);
  return got >= 0;
}

bool writeFile(const std::string& path, const std::string& bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool good = write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  return close(file) == 0 && good;
}

Text ofString(const std::string& text) { return Text(text.data(), text.size()); }

/** What verify() can check by. */
bool isP256(const EVP_PKEY* key) {
  char curve[32] = "";
  return EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr) == 1 && strcmp(curve, SN_X9_62_prime256v1) == 0;
}

/** The public key as DER in base64: from that (as `firmware add` leaves it), PEM or DER. */
bool readPublicKey(const std::string& path, std::string& out) {
  std::string bytes;
  if (!readFile(path, bytes)) return false;
  BIO* bio = BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()));
  EVP_PKEY* key = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  const auto* der = reinterpret_cast<const unsigned char*>(bytes.data());
  if (key == nullptr) key = d2i_PUBKEY(nullptr, &der, static_cast<long>(bytes.size()));
  if (key == nullptr && bytes.size() <= 512) {
    while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
    unsigned char decoded[512];
    const int got = EVP_DecodeBlock(decoded, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    der = decoded;
    // What is padded comes out longer; the key's own length counts.
    if (got > 0) key = d2i_PUBKEY(nullptr, &der, got);
  }
  if (key == nullptr || !isP256(key)) {
    EVP_PKEY_free(key);
    return false;
  }
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  EVP_PKEY_free(key);
  if (size <= 0) return false;
  out.resize(static_cast<size_t>(4 * ((size + 2) / 3) + 1));
  out.resize(static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(&out[0]), encoded, size)));
  OPENSSL_free(encoded);
  return true;
}

struct Secrets {
  std::string password;
  std::string ca;
  std::string certificate;
  std::string key;
  std::string updateKey;
  std::string document;

  ~Secrets() {
    for (std::string* one : {&password, &key, &document})
      if (!one->empty()) wipe(&(*one)[0], one->size());
  }
};

bool readAll(const Flags& flags, Secrets& out, std::string& wrong) {
  const struct {
    const char* flag;
    const std::string& path;
    std::string& into;
  } files[] = {{"--password-file", flags.passwordFile, out.password}, {"--ca", flags.ca, out.ca}, {"--cert", flags.certificate, out.certificate}, {"--key", flags.key, out.key}};
  for (const auto& file : files) {
    if (file.path.empty() || readFile(file.path, file.into)) continue;
    wrong = std::string(file.flag) + ": " + file.path + " can't be read. Allowed: a file";
    return false;
  }
  const size_t lineEnd = out.password.find_first_of("\r\n");
  if (lineEnd != std::string::npos) out.password.resize(lineEnd);
  if (!flags.passwordFile.empty() && out.password.empty()) {
    wrong = "--password-file: " + flags.passwordFile + " has no password in its first line. Allowed: a file that has";
    return false;
  }
  if (flags.publicKey.empty() || readPublicKey(flags.publicKey, out.updateKey)) return true;
  wrong = "--pubkey: " + flags.publicKey + " is no public key. Allowed: base64, PEM or DER, P-256";
  return false;
}

/** What `provision` would bring over the cable. */
bool compose(const Flags& flags, Secrets& secrets) {
  char text[sizes::kSettingsBytes * 2];
  JsonWriter json(text, sizeof text);
  json.raw("{\"id\":").string(ofString(flags.id)).raw(",\"broker\":{\"url\":").string(ofString(flags.broker));
  json.raw(",\"user\":").string(flags.passwordFile.empty() ? Text() : flags.user.empty() ? ofString(flags.id) : ofString(flags.user));
  json.raw(",\"password\":").string(ofString(secrets.password)).raw(",\"ca\":").string(ofString(secrets.ca));
  json.raw(",\"cert\":").string(ofString(secrets.certificate)).raw(",\"key\":").string(ofString(secrets.key)).raw("}");
  json.raw(",\"update_key\":").string(ofString(secrets.updateKey)).raw("}");
  secrets.document.assign(text, json.size());
  wipe(text, sizeof text);
  return !secrets.document.empty();
}

std::string digest(const std::string& document) {
  unsigned char hash[32];
  unsigned int size = 0;
  if (EVP_Digest(document.data(), document.size(), hash, &size, EVP_sha256(), nullptr) != 1) return std::string();
  return std::string(reinterpret_cast<const char*>(hash), size);
}

}  // namespace

bool provisionByFlags(const Flags& flags, Store& store, const std::string& markerPath, std::string& wrong) {
  if (flags.broker.empty()) return true;
  Secrets secrets;
  if (!readAll(flags, secrets, wrong)) return false;
  if (!compose(flags, secrets)) {
    wrong = "--ca, --cert, --key: together too long. Allowed: 4 KB";
    return false;
  }
  const std::string mark = digest(secrets.document);
  std::string before;
  if (readFile(markerPath, before) && before == mark) return true;

  Settings settings;
  const SettingsFault fault = readSettings(ofString(secrets.document), settings);
  if (fault != SettingsFault::none) {
    const SettingsFaultText text = describe(fault);
    wrong = std::string(text.code.data, text.code.size) + ": " + std::string(text.detail.data, text.detail.size);
    return false;
  }
  uint8_t work[SettingsSlots::kWorkBytes];
  SettingsSlots slots(store, work);
  Settings found;
  (void)slots.load(found);
  const bool written = slots.replace(settings);
  wipe(&settings, sizeof settings);
  wipe(&found, sizeof found);
  if (!written || !writeFile(markerPath, mark)) {
    wrong = "--state: can't be written. Allowed: a directory of your own";
    return false;
  }
  return true;
}

}  // namespace host
}  // namespace espalier
