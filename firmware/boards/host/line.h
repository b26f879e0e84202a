#pragma once
#include "espalier/ports.h"

struct ssl_st;
struct ssl_ctx_st;

namespace espalier {
namespace host {

/** One TCP line that never waits, with TLS where asked: the chain by the CA of the settings and by no other, the certificate's name or address
 *  that of the broker, an own certificate where there is one. Certificates come as PEM from memory: no secret needs a file. Only the name's
 *  look-up can wait, up to the resolver's time-out. */
class Line {
 public:
  struct Security {
    const char* ca = "";
    const char* certificate = "";
    const char* key = "";
  };
  enum class State : uint8_t { closed, connecting, greeting, open, broken };

  Line() = default;
  ~Line() { close(); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /** `security` null: plain TCP. */
  void open(const char* host, uint16_t port, const Security* security);
  /** Moves the connection on until it is open or broken. */
  State step();
  /** Bytes; 0: nothing now. Below 0: it is over. */
  [[nodiscard]] long read(uint8_t* out, size_t room);
  [[nodiscard]] long write(const uint8_t* bytes, size_t size);
  /** Says goodbye in TLS, too. */
  void close();
  /** -1: none. */
  [[nodiscard]] int socket() const { return socket_; }
  /** It waits for room to send, not for something to come. */
  [[nodiscard]] bool wantsWrite() const { return wantsWrite_; }
  /** It was TLS that failed. */
  [[nodiscard]] bool distrusted() const { return distrusted_; }
  [[nodiscard]] const char* why() const { return why_; }
  /** The own address of the open line; "" for none. */
  void localAddress(char* out, size_t room) const;

 private:
  bool secure(const char* host, const Security& security);
  State fail(const char* why, bool tls = false);
  [[nodiscard]] long outcome(int result);

  State state_ = State::closed;
  int socket_ = -1;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* tls_ = nullptr;
  const char* why_ = "";
  bool wantsWrite_ = false;
  bool distrusted_ = false;
};

}  // namespace host
}  // namespace espalier
