#include "flags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

namespace espalier {
namespace host {
namespace {

using Read = bool (*)(const std::string& value, Flags& out);

/** A whole text that is a number in a range. */
bool number(const std::string& text, double low, double high, double& out) {
  char* end = nullptr;
  if (text.empty() || text.find_first_not_of("0123456789.+-eE") != std::string::npos) return false;
  out = strtod(text.c_str(), &end);
  return *end == '\0' && isfinite(out) && out >= low && out <= high;
}

bool whole(const std::string& text, double low, double high, double& out) { return number(text, low, high, out) && out == floor(out); }

bool flashCut(const std::string& text, Flags& out) {
  const size_t colon = text.find(':');
  double nth = 0;
  if (!whole(text.substr(0, colon), 1, 1e9, nth)) return false;
  out.flashCut = static_cast<uint32_t>(nth);
  if (colon == std::string::npos) return true;
  const std::string rest = text.substr(colon + 1);
  const size_t second = rest.find(':');
  const std::string tear = rest.substr(0, second);
  if (tear == "old") out.tear = Tear::old;
  else if (tear == "half") out.tear = Tear::half;
  else if (tear == "new") out.tear = Tear::whole;
  else return false;
  if (second == std::string::npos) return true;
  const std::string tail = rest.substr(second + 1);
  if (tail == "garbage") out.tail = Tail::garbage;
  return tail == "garbage" || tail == "ff";
}

bool faults(const std::string& text, Flags& out) {
  for (size_t at = 0; at <= text.size();) {
    size_t comma = text.find(',', at);
    if (comma == std::string::npos) comma = text.size();
    const std::string one = text.substr(at, comma - at);
    at = comma + 1;
    const size_t equals = one.find('=');
    if (equals == std::string::npos) return false;
    const std::string name = one.substr(0, equals);
    const std::string value = one.substr(equals + 1);
    const bool good = name == "flash-cut"    ? flashCut(value, out)
                      : name == "flash-slow" ? number(value, 0, 10000, out.flashSlowMs)
                      : name == "net-drop"   ? number(value, 0, 1, out.netDrop)
                                             : false;
    if (!good) return false;
  }
  return true;
}

struct Flag {
  const char* name;
  const char* allowed;
  /** It stands alone, without a value. */
  bool alone;
  Read read;
};

template <std::string Flags::*kMember>
bool text(const std::string& value, Flags& out) {
  out.*kMember = value;
  return !value.empty();
}

bool ring(const std::string& value, Flags& out) {
  double readings = 0;
  const bool good = whole(value, 1, 1e6, readings);
  if (good) out.ring = static_cast<uint32_t>(readings);
  return good;
}

bool seed(const std::string& value, Flags& out) {
  double given = 0;
  const bool good = whole(value, 0, 9007199254740991.0, given);
  if (good) out.seed = static_cast<uint64_t>(given);
  return good;
}

bool clockStart(const std::string& value, Flags& out) {
  out.clock.hasStart = number(value, 0, 4e9, out.clock.startMs);
  out.clock.startMs *= 1000;
  return out.clock.hasStart;
}

bool board(const std::string& value, Flags& out) {
  out.board = value;
  return !value.empty() && value.size() <= 31;
}

bool parent(const std::string& value, Flags& out) {
  double given = 0;
  const bool good = whole(value, 1, 2147483647, given);
  if (good) out.parent = static_cast<int>(given);
  return good;
}

const Flag kFlags[] = {
    {"--id", "a node's id: letters, digits, - and _, at most 32", false, text<&Flags::id>},
    {"--broker", "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]", false, text<&Flags::broker>},
    {"--user", "a user of the broker (default: the id)", false, text<&Flags::user>},
    {"--password-file", "a file with the password in its first line", false, text<&Flags::passwordFile>},
    {"--ca", "a PEM file with the CA of the broker", false, text<&Flags::ca>},
    {"--cert", "a PEM file with the node's certificate", false, text<&Flags::certificate>},
    {"--key", "a PEM file with the key of --cert", false, text<&Flags::key>},
    {"--pubkey", "a file with the public key of updates (P-256): base64 as DATA/keys/firmware.pub, PEM or DER", false, text<&Flags::publicKey>},
    {"--state", "a directory, made if it is not there (default: espalier-node)", false, text<&Flags::state>},
    {"--interval", "seconds between readings, 0.1 to 86400 (default: 10)", false,
     [](const std::string& v, Flags& out) { return number(v, 0.1, 86400, out.intervalS); }},
    {"--ring", "readings kept at most, 1 to 1000000 (default: as many as the flash holds)", false, ring},
    {"--clock-start", "Unix seconds at which the clock starts", false, clockStart},
    {"--clock-rate", "how many times faster time goes, 0.01 to 100000 (default: 1); from a --clock-start in the past only until it is now", false,
     [](const std::string& v, Flags& out) { return number(v, 0.01, 100000, out.clock.rate); }},
    {"--no-sntp", "no value: the clock is learned from the broker", true,
     [](const std::string&, Flags& out) {
       out.clock.sntp = false;
       return true;
     }},
    {"--board", "what the node says it is, 1 to 31 characters, as in an image (default: host)", false, board},
    {"--virtual", "no value: its status says that it stands in for a board", true,
     [](const std::string&, Flags& out) {
       out.isVirtual = true;
       return true;
     }},
    {"--with-parent", "the process id of who starts it: says goodbye and ends when that one ends, however it does", false, parent},
    {"--exec-log", "a file: one JSON line a command, on the disk before it does anything", false, text<&Flags::execLog>},
    {"--reading-log", "a file: one JSON line a reading, when it is taken", false, text<&Flags::readingLog>},
    {"--report", "a file: one JSON line of counts at each end of a boot, kill -9 and power cuts apart", false, text<&Flags::report>},
    {"--serial", "a path: a symbolic link is made there to the pseudo-terminal that is the serial port", false,
     [](const std::string& v, Flags& out) {
       out.serial = v;
       out.hasSerial = true;
       return !v.empty();
     }},
    {"--seed", "a whole number: of the room that is measured and of faults (default: 1)", false, seed},
    {"--fault", "flash-cut=N[:old|half|new[:ff|garbage]] (the process ends with 86 there), flash-slow=MS, net-drop=P (0 to 1, a packet); comma between them", false, faults},
    {"--help", "no value", true,
     [](const std::string&, Flags& out) {
       out.help = true;
       return true;
     }},
    {"--version", "no value", true,
     [](const std::string&, Flags& out) {
       out.version = true;
       return true;
     }},
};

const Flag* find(const std::string& name) {
  for (const Flag& flag : kFlags)
    if (name == flag.name) return &flag;
  return nullptr;
}

std::string names() {
  std::string all;
  for (const Flag& flag : kFlags) all += std::string(all.empty() ? "" : " ") + flag.name;
  return all;
}

bool together(const Flags& flags, std::string& wrong) {
  if (!flags.broker.empty() && flags.id.empty()) wrong = "--broker: whose? Allowed: only with --id";
  if (flags.broker.compare(0, 8, "mqtts://") == 0 && flags.ca.empty()) wrong = "--broker: mqtts:// without a CA to check it by. Allowed: with --ca (DATA/ca/ca.pem)";
  if (flags.certificate.empty() != flags.key.empty()) wrong = "--cert, --key: one without the other. Allowed: both or none";
  if (!flags.user.empty() && flags.passwordFile.empty()) wrong = "--user: without a password. Allowed: with --password-file";
  return wrong.empty();
}

}  // namespace

bool readFlags(int argc, char** argv, Flags& out, std::string& wrong) {
  for (int i = 1; i < argc; i++) {
    std::string name = argv[i];
    const size_t equals = name.find('=');
    std::string value = equals == std::string::npos ? "" : name.substr(equals + 1);
    if (equals != std::string::npos) name.resize(equals);
    const Flag* flag = find(name);
    if (flag == nullptr) {
      wrong = name + ": unknown. Allowed: " + names();
      return false;
    }
    if (!flag->alone && equals == std::string::npos) {
      const bool follows = i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0;
      if (follows) value = argv[++i];
    }
    if ((flag->alone && equals != std::string::npos) || !flag->read(value, out)) {
      wrong = name + ": \"" + value + "\" will not do. Allowed: " + flag->allowed;
      return false;
    }
  }
  return together(out, wrong);
}

std::string help() {
  std::string all = "espalier-node: a node of Espalier as a process on Linux.\n\n";
  for (const Flag& flag : kFlags) all += std::string("  ") + flag.name + "\n      " + flag.allowed + "\n";
  return all + "\nWithout --broker it waits to be provisioned at --serial. What flags say is taken over when they change; what it learned later\n"
               "(configure, provision) counts otherwise. SIGTERM: goodbye, exit 0.\n";
}

}  // namespace host
}  // namespace espalier
