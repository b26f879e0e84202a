#include "espalier/base64.h"
#include "espalier/semver.h"
#include "espalier/updater.h"

/** Is this update one we take? In the contract's order, and nothing is touched before all of it is known. */
namespace espalier {
namespace {

using contract::CommandError;

/** DER of two numbers of 33 bytes at most is 72. */
constexpr size_t kSignatureBytes = 80;
constexpr size_t kSignatureText = 112;
/** A TLS connection more needs that much in one piece. A board that does not tell says 0. */
constexpr uint32_t kHeapBytes = 60U * 1024U;

/** Printable ASCII without spaces: what an HTTP request line can carry as it is. */
bool isPlain(const char* text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] <= ' ' || text[i] > '~') return false;
  return true;
}

uint8_t nibble(char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); }

bool readHash(Json value, uint8_t out[32], char hex[64]) {
  if (!value.is(JsonKind::string) || value.string(hex, 64) != 64) return false;
  for (size_t i = 0; i < 32; i++) out[i] = static_cast<uint8_t>(nibble(hex[2 * i]) << 4U | nibble(hex[2 * i + 1]));
  return true;
}

size_t decimal(uint32_t value, char out[10]) {
  char back[10];
  size_t size = 0;
  for (; size == 0 || value > 0; value /= 10) back[size++] = static_cast<char>('0' + value % 10);
  for (size_t i = 0; i < size; i++) out[i] = back[size - 1 - i];
  return size;
}

Span bytesOf(const char* text, size_t size) { return Span(reinterpret_cast<const uint8_t*>(text), size); }

/** The SHA-256 of `espalier-fw/1\n{board}\n{version}\n{size}\n{sha256 hex}\n`. */
void hashManifest(Crypto& crypto, Text board, Text version, uint32_t size, const char hex[64], uint8_t out[32]) {
  char digits[10];
  const size_t digitCount = decimal(size, digits);
  const Span line = bytesOf("\n", 1);
  crypto.sha256Begin();
  crypto.sha256Add(bytesOf("espalier-fw/1\n", 14));
  crypto.sha256Add(bytesOf(board.data, board.size));
  crypto.sha256Add(line);
  crypto.sha256Add(bytesOf(version.data, version.size));
  crypto.sha256Add(line);
  crypto.sha256Add(bytesOf(digits, digitCount));
  crypto.sha256Add(line);
  crypto.sha256Add(bytesOf(hex, 64));
  crypto.sha256Add(line);
  crypto.sha256End(out);
}

bool signatureGood(Crypto& crypto, Json value, Span publicKey, const uint8_t hash[32]) {
  char text[kSignatureText];
  const size_t length = value.string(text, sizeof text);
  uint8_t signature[kSignatureBytes];
  size_t size = 0;
  if (length > sizeof text || !decodeBase64(Text(text, length), signature, sizeof signature, size)) return false;
  return publicKey.size > 0 && crypto.verify(publicKey, hash, Span(signature, size));
}

/** Null: the version is one that may come after the one that runs. */
const char* checkVersion(Text version, bool force, const Build& build, CommandError& error) {
  error = CommandError::badManifest;
  if (version.size >= sizeof ImageMarker::version || !isSemver(version)) return "version is not SemVer of up to 43 characters";
  const int order = isSemver(build.version) ? compareSemver(version, build.version) : 1;
  error = CommandError::downgrade;
  if (order == 0 && !force) return "this version runs already; force installs it again";
  if (order < 0 && !force) return "older than what runs";
  if (order < 0 && !build.allowsDowngrade) return "older than what runs, and this build does not go back";
  return nullptr;
}

}  // namespace

const char* Updater::check(const Command& command, Span publicKey, CommandError& error) {
  contract::Builtin builtin = contract::Builtin::ping;
  const bool judged = judgeBuiltin(command, builtin) == Judgement::good && builtin == contract::Builtin::updateFirmware;
  const Json params = command.params;
  char hex[64];
  job_ = UpdateJob();
  error = CommandError::badParams;
  if (!judged || !params.member("size").whole(UINT32_MAX, job_.size) || !readHash(params.member("sha256"), job_.sha256, hex))
    return "not the params of an update";
  const size_t urlSize = params.member("url").string(job_.url, sizeof job_.url);
  if (urlSize > sizeof job_.url || !isPlain(job_.url, urlSize)) return "url is none, or longer than 512 bytes";
  error = CommandError::wrongBoard;
  if (!params.member("board").says(build_.board)) return "made for another board";
  ShortText version;
  version.size = static_cast<uint8_t>(params.member("version").string(version.bytes, sizeof version.bytes));
  uint8_t hash[32];
  hashManifest(crypto_, build_.board, version.text(), job_.size, hex, hash);
  error = CommandError::badSignature;
  if (publicKey.size == 0) return "this node has no key to check updates by";
  if (!signatureGood(crypto_, params.member("signature"), publicKey, hash)) return "not signed by the key this node trusts";
  const Json force = params.member("force");
  const char* const wrong = checkVersion(version.text(), force.is(JsonKind::boolean) && force.boolean(), build_, error);
  if (wrong != nullptr) return wrong;
  error = CommandError::noSpace;
  if (job_.size > slots_.capacity()) return "larger than the slot";
  if (!build_.leavesBroker && littleMemory()) return kLittleMemory;
  job_.oldSlot = slots_.running().equals("app1") ? 1 : 0;
  job_.urlSize = static_cast<uint16_t>(urlSize);
  job_.versionSize = version.size;
  memcpy(job_.version, version.bytes, version.size);
  job_.commandSize = command.id.size;
  memcpy(job_.command, command.id.bytes, command.id.size);
  return nullptr;
}

bool Updater::littleMemory() const {
  const uint32_t block = system_.largestFreeBlock();
  return block > 0 && block < kHeapBytes;
}

}  // namespace espalier
