#pragma once
#include "espalier/settings.h"

namespace espalier {

/** What a person at the cable asked for. */
struct SerialRequest {
  enum class Kind : uint8_t { none, provision, status, factoryReset, improvWifi };
  Kind kind = Kind::none;
  /** The provisioning document; valid until the next poll(). */
  Text document;
};

/** The cable: JSON lines ({"provision":{…}}, {"status":true}, {"factory_reset":true}) and Improv frames on one port. Answers are JSON lines
 *  {"ok":true,…} or {"ok":false,"error","detail"}; a secret is never echoed. */
class SerialConsole {
 public:
  SerialConsole(Serial& serial, const Build& build) : serial_(serial), build_(build) {}
  [[nodiscard]] SerialRequest poll(uint64_t nowMs);
  void answer(bool ok, Text code, Text detail);
  /** One line of JSON. */
  void say(Text line);
  /** Improv: the state a browser waits for. */
  void provisioned(bool yes, Text url);
  void connectFailed();

 private:
  Serial& serial_;
  const Build& build_;
};

}  // namespace espalier
