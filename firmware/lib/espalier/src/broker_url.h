#pragma once
#include "espalier/settings.h"

namespace espalier {

/** mqtt://host[:port] or mqtts://host[:port]: where to go. A host is a name, an IPv4 address or an IPv6 address in brackets. */
struct BrokerUrl {
  char host[sizeof(BrokerSettings::host)] = {};
  uint16_t port = 0;
  bool tls = false;
};

/** False: it is none, or says more than that (user, path). */
[[nodiscard]] bool readBrokerUrl(Text url, BrokerUrl& out);
/** Characters written; 0: no room. */
[[nodiscard]] size_t writeBrokerUrl(const BrokerSettings& broker, char* out, size_t room);

}  // namespace espalier
