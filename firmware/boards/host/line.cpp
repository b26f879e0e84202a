#include "line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

namespace espalier {
namespace host {
namespace {

BIO* inMemory(const char* pem) { return BIO_new_mem_buf(pem, -1); }

bool trust(SSL_CTX* context, const char* ca) {
  BIO* bio = inMemory(ca);
  int count = 0;
  for (X509* one = nullptr; (one = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)) != nullptr;) {
    count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one);
    X509_free(one);
  }
  BIO_free(bio);
  ERR_clear_error();
  return count > 0;
}

bool identify(SSL_CTX* context, const char* certificate, const char* key) {
  BIO* bio = inMemory(certificate);
  X509* own = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = inMemory(key);
  EVP_PKEY* secret = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  const bool good = own != nullptr && secret != nullptr && SSL_CTX_use_certificate(context, own) == 1 &&
                    SSL_CTX_use_PrivateKey(context, secret) == 1 && SSL_CTX_check_private_key(context) == 1;
  X509_free(own);
  EVP_PKEY_free(secret);
  return good;
}

}  // namespace

void Line::open(const char* host, uint16_t port, const Security* security) {
  close();
  why_ = "";
  distrusted_ = false;
  char service[8];
  (void)snprintf(service, sizeof service, "%u", static_cast<unsigned>(port));
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host, service, &hints, &found) != 0 || found == nullptr) {
    (void)fail("the name has no address");
    return;
  }
  socket_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  if (socket_ >= 0) (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const bool begun = socket_ >= 0 && (::connect(socket_, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS);
  freeaddrinfo(found);
  if (!begun) {
    (void)fail("no connection");
    return;
  }
  state_ = State::connecting;
  wantsWrite_ = true;
  if (security != nullptr && !secure(host, *security)) (void)fail("CA, certificate or key are not readable", true);
}

bool Line::secure(const char* host, const Security& security) {
  context_ = SSL_CTX_new(TLS_client_method());
  if (context_ == nullptr) return false;
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  if (!trust(context_, security.ca)) return false;
  if (security.certificate[0] != '\0' && !identify(context_, security.certificate, security.key)) return false;
  tls_ = SSL_new(context_);
  if (tls_ == nullptr) return false;
  in6_addr address;
  const bool isAddress = inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
  if (isAddress) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), host) != 1) return false;
  } else if (SSL_set1_host(tls_, host) != 1 || SSL_set_tlsext_host_name(tls_, host) != 1) {
    return false;
  }
  SSL_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return SSL_set_fd(tls_, socket_) == 1;
}

Line::State Line::step() {
  if (state_ == State::connecting) {
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int error = 0;
    socklen_t errorSize = sizeof error;
    if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &errorSize) != 0 || error != 0) return fail("no connection");
    if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return errno == ENOTCONN ? state_ : fail("no connection");
    wantsWrite_ = false;
    state_ = tls_ == nullptr ? State::open : State::greeting;
  }
  if (state_ != State::greeting) return state_;
  ERR_clear_error();
  const int result = SSL_connect(tls_);
  if (result == 1) {
    wantsWrite_ = false;
    return state_ = State::open;
  }
  if (outcome(result) < 0) return fail(SSL_get_verify_result(tls_) == X509_V_OK ? "TLS failed" : "the certificate is not trusted", true);
  return state_;
}

long Line::outcome(int result) {
  const int error = SSL_get_error(tls_, result);
  wantsWrite_ = error == SSL_ERROR_WANT_WRITE;
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

long Line::read(uint8_t* out, size_t room) {
  if (state_ != State::open) return -1;
  if (tls_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(tls_, out, static_cast<int>(room));
    return got > 0 ? got : outcome(got);
  }
  const ssize_t got = ::recv(socket_, out, room, 0);
  if (got > 0) return got;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

long Line::write(const uint8_t* bytes, size_t size) {
  if (state_ != State::open) return -1;
  if (tls_ != nullptr) {
    ERR_clear_error();
    const int sent = SSL_write(tls_, bytes, static_cast<int>(size));
    return sent > 0 ? sent : outcome(sent);
  }
  const ssize_t sent = ::send(socket_, bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  wantsWrite_ = errno == EAGAIN;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void Line::close() {
  if (tls_ != nullptr) {
    if (state_ == State::open) (void)SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  SSL_CTX_free(context_);
  if (socket_ >= 0) ::close(socket_);
  tls_ = nullptr;
  context_ = nullptr;
  socket_ = -1;
  wantsWrite_ = false;
  state_ = State::closed;
}

Line::State Line::fail(const char* why, bool tls) {
  close();
  why_ = why;
  distrusted_ = tls;
  return state_ = State::broken;
}

void Line::localAddress(char* out, size_t room) const {
  out[0] = '\0';
  sockaddr_storage own = {};
  socklen_t size = sizeof own;
  if (socket_ < 0 || getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size) != 0) return;
  const void* address = own.ss_family == AF_INET6 ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(&own)->sin6_addr)
                                                  : static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&own)->sin_addr);
  if (inet_ntop(own.ss_family, address, out, static_cast<socklen_t>(room)) == nullptr) out[0] = '\0';
}

}  // namespace host
}  // namespace espalier
