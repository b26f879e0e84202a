#pragma once
#include "espalier/json_writer.h"
#include "espalier/reading.h"

namespace espalier {

/** One message of telemetry (wire contract §2), reading by reading into the caller's buffer. */
class Telemetry {
 public:
  struct Head {
    Text id;
    uint32_t boot = 0;
    /** Of the first reading. */
    uint32_t seq = 0;
    uint32_t oldestBoot = 0;
    uint32_t oldestSeq = 0;
    /** `readings` in place of `timestamp` and `sensors`. */
    bool batch = false;
  };

  Telemetry(const Head& head, char* out, size_t room);
  /** The next in seq; dated. False: it does not fit, and the message is as it was. */
  [[nodiscard]] bool add(const Reading& reading, const Column* columns);
  [[nodiscard]] size_t count() const { return count_; }
  /** Empty without readings. */
  [[nodiscard]] Text finish();

 private:
  bool batch_;
  size_t count_ = 0;
  char* out_;
  JsonWriter json_;
};

/** {"temperature":22.5,"humidity":null} */
void writeSensors(JsonWriter& json, const Reading& reading, const Column* columns);

}  // namespace espalier
