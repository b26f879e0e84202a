#pragma once
#include <string>

#include "clock.h"
#include "power.h"

namespace espalier {
namespace host {

/** What the command line asks for. */
struct Flags {
  std::string id;
  std::string broker;
  std::string user;
  std::string passwordFile;
  std::string ca;
  std::string certificate;
  std::string key;
  std::string publicKey;
  std::string state = "espalier-node";
  /** Empty: the image's. */
  std::string board;
  std::string execLog;
  std::string readingLog;
  std::string report;
  std::string serial;
  bool hasSerial = false;
  double intervalS = 10;
  uint32_t ring = 0;
  uint64_t seed = 1;
  HostClock::Options clock;
  uint32_t flashCut = 0;
  Tear tear = Tear::half;
  Tail tail = Tail::erased;
  double flashSlowMs = 0;
  double netDrop = 0;
  /** Who must be there for it to run; 0: nobody. */
  int parent = 0;
  bool isVirtual = false;
  bool help = false;
  bool version = false;
};

/** False: `wrong` says which flag, what it got and what is allowed. */
[[nodiscard]] bool readFlags(int argc, char** argv, Flags& out, std::string& wrong);
[[nodiscard]] std::string help();

}  // namespace host
}  // namespace espalier
