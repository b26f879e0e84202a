#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_head.h"

namespace espalier {
namespace host {
namespace {

bool isAddress(const char* host) {
  uint8_t binary[16];
  return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

/** Every certificate of a PEM text. */
bool trust(SSL_CTX* context, const char* pem) {
  BIO* text = BIO_new_mem_buf(pem, -1);
  size_t count = 0;
  for (X509* one = PEM_read_bio_X509(text, nullptr, nullptr, nullptr); one != nullptr;
       one = PEM_read_bio_X509(text, nullptr, nullptr, nullptr)) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) == 1) count++;
    X509_free(one);
  }
  BIO_free(text);
  ERR_clear_error();
  return count > 0;
}

}  // namespace

HttpsClient::~HttpsClient() { close(); }

bool HttpsClient::open(Text url, size_t offset) {
  close();
  // A server that is gone is an answer of write(), not the end of the process.
  (void)signal(SIGPIPE, SIG_IGN);
  offset_ = offset;
  why_ = "";
  if (!takeUrl(url) || !beginSocket() || !beginTls()) {
    close();
    attempt_++;
    return false;
  }
  writeRequest();
  why_ = "";
  stage_ = Stage::connecting;
  return true;
}

bool HttpsClient::takeUrl(Text url) {
  constexpr Text kScheme = "https://";
  why_ = "not an https:// URL";
  const bool fits = url.size > kScheme.size && url.size <= contract::kUpdateTextBytes;
  if (!fits || memcmp(url.data, kScheme.data, kScheme.size) != 0) return false;
  const char* at = url.data + kScheme.size;
  const char* const end = url.data + url.size;
  for (const char* c = at; c != end; c++)
    if (*c <= ' ' || *c > '~') return false;
  const char* slash = at;
  while (slash != end && *slash != '/') slash++;
  const bool bracketed = *at == '[';
  const char* hostEnd = at;
  while (hostEnd != slash && *hostEnd != (bracketed ? ']' : ':')) hostEnd++;
  const char* const host = bracketed ? at + 1 : at;
  const char* colon = bracketed && hostEnd != slash ? hostEnd + 1 : hostEnd;
  const auto hostSize = static_cast<size_t>(hostEnd - host);
  if (hostEnd < host || hostSize == 0 || hostSize >= sizeof host_ || (bracketed && hostEnd == slash)) return false;
  memcpy(host_, host, hostSize);
  host_[hostSize] = '\0';
  memcpy(port_, "443", 4);
  if (colon != slash) {
    const auto portSize = static_cast<size_t>(slash - colon - 1);
    if (*colon != ':' || portSize == 0 || portSize >= sizeof port_) return false;
    for (size_t i = 0; i < portSize; i++)
      if (colon[1 + i] < '0' || colon[1 + i] > '9') return false;
    memcpy(port_, colon + 1, portSize);
    port_[portSize] = '\0';
  }
  const auto targetSize = static_cast<size_t>(end - slash);
  memcpy(target_, targetSize == 0 ? "/" : slash, targetSize == 0 ? 1 : targetSize);
  target_[targetSize == 0 ? 1 : targetSize] = '\0';
  return true;
}

bool HttpsClient::beginSocket() {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  why_ = "the name is not known";
  if (getaddrinfo(host_, port_, &hints, &found) != 0 || found == nullptr) return false;
  uint32_t count = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) count++;
  const addrinfo* chosen = found;
  for (uint32_t i = attempt_ % count; i > 0; i--) chosen = chosen->ai_next;
  socket_ = socket(chosen->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool begun = socket_ >= 0 && (connect(socket_, chosen->ai_addr, chosen->ai_addrlen) == 0 || errno == EINPROGRESS);
  freeaddrinfo(found);
  why_ = "can't connect";
  return begun;
}

bool HttpsClient::beginTls() {
  context_ = SSL_CTX_new(TLS_client_method());
  why_ = "no CA to check the server by";
  if (context_ == nullptr || !trust(context_, ca_)) return false;
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  why_ = "TLS can't be set up";
  if (SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1) return false;
  tls_ = SSL_new(context_);
  if (tls_ == nullptr || SSL_set_fd(tls_, socket_) != 1) return false;
  SSL_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_set_hostflags(tls_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (isAddress(host_)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), host_) == 1;
  return SSL_set1_host(tls_, host_) == 1 && SSL_set_tlsext_host_name(tls_, host_) == 1;
}

void HttpsClient::writeRequest() {
  const bool bare = strchr(host_, ':') != nullptr;
  char range[48] = "";
  if (offset_ > 0) (void)snprintf(range, sizeof range, "Range: bytes=%zu-\r\n", offset_);
  const int size = snprintf(text_, sizeof text_, "GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\n%sAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
                            target_, bare ? "[" : "", host_, bare ? "]" : "", port_, range);
  textSize_ = static_cast<size_t>(size);
  sent_ = 0;
}

HttpState HttpsClient::read(uint8_t* out, size_t room, size_t& got) {
  got = 0;
  const HttpState state = advance();
  if (state != HttpState::data) return state;
  if (left_ == 0) {
    stage_ = Stage::ended;
    return HttpState::done;
  }
  if (room > left_) room = static_cast<size_t>(left_);
  if (bodyAt_ < textSize_) {
    got = room < textSize_ - bodyAt_ ? room : textSize_ - bodyAt_;
    memcpy(out, text_ + bodyAt_, got);
    bodyAt_ += got;
  } else {
    ERR_clear_error();
    const int result = SSL_read(tls_, out, static_cast<int>(room));
    if (result <= 0) return unfinished(result, "the line broke");
    got = static_cast<size_t>(result);
  }
  left_ -= got;
  return HttpState::data;
}

HttpState HttpsClient::advance() {
  for (;;) {
    HttpState state = HttpState::failed;
    switch (stage_) {
      case Stage::connecting:
        state = finishConnect();
        break;
      case Stage::greeting:
        state = greet();
        break;
      case Stage::asking:
        state = ask();
        break;
      case Stage::hearing:
        state = hearHead();
        break;
      case Stage::body:
        return HttpState::data;
      case Stage::refused:
        return HttpState::waiting;
      case Stage::ended:
        return HttpState::done;
      case Stage::idle:
      case Stage::broken:
        return HttpState::failed;
    }
    if (state != HttpState::data) return state;
  }
}

HttpState HttpsClient::finishConnect() {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
    stage_ = Stage::greeting;
    return HttpState::data;
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (errno != ENOTCONN || getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return fail("can't connect");
  return HttpState::waiting;
}

HttpState HttpsClient::greet() {
  ERR_clear_error();
  const int result = SSL_connect(tls_);
  if (result != 1)
    return unfinished(result, SSL_get_verify_result(tls_) == X509_V_OK ? "TLS was refused" : "the server's certificate is not trusted");
  stage_ = Stage::asking;
  return HttpState::data;
}

HttpState HttpsClient::ask() {
  while (sent_ < textSize_) {
    ERR_clear_error();
    const int result = SSL_write(tls_, text_ + sent_, static_cast<int>(textSize_ - sent_));
    if (result <= 0) return unfinished(result, "the line broke");
    sent_ += static_cast<size_t>(result);
  }
  textSize_ = 0;
  stage_ = Stage::hearing;
  return HttpState::data;
}

HttpState HttpsClient::hearHead() {
  ERR_clear_error();
  const int result = SSL_read(tls_, text_ + textSize_, static_cast<int>(sizeof text_ - textSize_));
  if (result <= 0) return unfinished(result, "the line broke");
  textSize_ += static_cast<size_t>(result);
  for (size_t i = 3; i < textSize_; i++) {
    if (memcmp(text_ + i - 3, "\r\n\r\n", 4) != 0) continue;
    bodyAt_ = i + 1;
    const char* const wrong = takeHead(i - 1);
    return wrong == nullptr ? HttpState::data : fail(wrong);
  }
  return textSize_ < sizeof text_ ? HttpState::data : fail("the answer's head is too long");
}

const char* HttpsClient::takeHead(size_t headSize) {
  HttpHead head;
  if (!readHttpHead(Text(text_, headSize), head) || head.status < 200) return "the answer is not HTTP";
  status_ = head.status;
  stage_ = Stage::refused;
  if (status_ != 200 && status_ != 206) return nullptr;
  if (head.coded || !head.hasLength) return "the answer has no Content-Length";
  if (status_ == 206 && (!head.hasRange || head.rangeFrom != offset_)) return "another range than was asked for";
  left_ = head.length;
  stage_ = Stage::body;
  return nullptr;
}

HttpState HttpsClient::fail(const char* why) {
  why_ = why;
  stage_ = Stage::broken;
  attempt_++;
  return HttpState::failed;
}

HttpState HttpsClient::unfinished(int result, const char* why) {
  const int error = SSL_get_error(tls_, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? HttpState::waiting : fail(why);
}

void HttpsClient::close() {
  SSL_free(tls_);
  SSL_CTX_free(context_);
  if (socket_ >= 0) ::close(socket_);
  tls_ = nullptr;
  context_ = nullptr;
  socket_ = -1;
  status_ = 0;
  stage_ = Stage::idle;
}

}  // namespace host
}  // namespace espalier
