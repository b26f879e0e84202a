#pragma once
#include "espalier/ports.h"

struct ssl_st;
struct ssl_ctx_st;

namespace espalier {
namespace host {

/** HTTPS GET over a socket that never waits: TLS 1.2 or newer, the chain by the CA of the settings and by no other, the certificate's name
 *  or address the URL's. HTTP/1.1 with a Content-Length; chunked answers and redirections are failures. Only the name's look-up can wait, up
 *  to the resolver's time-out. */
class HttpsClient final : public Http {
 public:
  /** `ca`: PEM, stays the caller's and may change between downloads. */
  explicit HttpsClient(const char* ca) : ca_(ca) {}
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  [[nodiscard]] bool open(Text url, size_t offset) override;
  HttpState read(uint8_t* out, size_t room, size_t& got) override;
  [[nodiscard]] int status() override { return status_; }
  void close() override;

  /** Of the last failure, for a person; "" for none. */
  [[nodiscard]] const char* why() const { return why_; }

 private:
  enum class Stage : uint8_t { idle, connecting, greeting, asking, hearing, body, refused, ended, broken };

  [[nodiscard]] bool takeUrl(Text url);
  [[nodiscard]] bool beginSocket();
  [[nodiscard]] bool beginTls();
  void writeRequest();
  /** One stage further: `data` when there is a body to read. */
  HttpState advance();
  HttpState finishConnect();
  HttpState greet();
  HttpState ask();
  HttpState hearHead();
  /** Null: the head is one we take. */
  [[nodiscard]] const char* takeHead(size_t headSize);
  HttpState fail(const char* why);
  /** After a TLS call that did not do all: `waiting`, or failed. */
  HttpState unfinished(int result, const char* why);

  const char* ca_;
  const char* why_ = "";
  ssl_ctx_st* context_ = nullptr;
  ssl_st* tls_ = nullptr;
  int socket_ = -1;
  Stage stage_ = Stage::idle;
  int status_ = 0;
  size_t offset_ = 0;
  /** Bytes of the body that are to come. */
  uint64_t left_ = 0;
  /** Where in `text_` the body goes on; what came along with the head. */
  size_t bodyAt_ = 0;
  /** A name may have several addresses: the next is tried after a failure. */
  uint32_t attempt_ = 0;
  char host_[256] = {};
  char port_[6] = {};
  char target_[contract::kUpdateTextBytes + 1] = {};
  /** The request, then the answer's head. */
  char text_[4096] = {};
  size_t textSize_ = 0;
  size_t sent_ = 0;
};

}  // namespace host
}  // namespace espalier
