#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "bootloader.h"
#include "cable.h"
#include "crypto.h"
#include "espalier/image_marker.h"
#include "espalier/json_writer.h"
#include "espalier/node.h"
#include "espalier/secret.h"
#include "flags.h"
#include "http.h"
#include "machine.h"
#include "mqtt.h"
#include "provision.h"
#include "room.h"
#include "slots.h"
#include "store.h"

/** espalier-node: the core on Linux. First the bootloader, which becomes the image of a slot under the same process id; then that image, this
 *  file once more, joins the ports and runs the loop. */
namespace espalier {
namespace host {
namespace {

constexpr int kBadFlags = 2;
constexpr int kPowerCut = 86;
/** The longest sleep, and the shortest at which an accelerated clock makes the loop turn. */
constexpr double kTurnNs = 50e6;
constexpr double kShortestTurnNs = 2e5;

/** What this image is, for whoever fetches it as an update (image_marker.h). */
extern const ImageMarker kImage __attribute__((used)) = imageMarker(ESPALIER_BOARD, ESPALIER_VERSION);

volatile sig_atomic_t stopping = 0;
void onSignal(int) { stopping = 1; }
void onPowerCut() { _exit(kPowerCut); }

Noise* dropNoise = nullptr;
double dropShare = 0;
bool drops() { return dropShare > 0 && dropNoise->unit() < dropShare; }

/** What restart() needs, from wherever it is called. */
struct Reset {
  const char* directory = nullptr;
  Power* power = nullptr;
  Boot boot;
  char** argv = nullptr;
  void (*before)() = nullptr;
} reset;

void restart() {
  reset.before();
  reset.boot.restarted = true;
  const char* why = start(reset.directory, *reset.power, reset.boot, reset.argv);
  (void)fprintf(stderr, "espalier-node: %s\n", why);
  _exit(1);
}

Build theBuild(const Flags& flags) {
  Build build;
  build.board = flags.board.empty() ? boardOf(kImage) : Text(flags.board.data(), flags.board.size());
  build.version = versionOf(kImage);
  build.isVirtual = flags.isVirtual;
  return build;
}

/** Lines of JSON for whoever counts. */
class Counts {
 public:
  bool open(const Flags& flags) {
    if (!flags.report.empty()) report_ = ::open(flags.report.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!flags.readingLog.empty()) readings_ = ::open(flags.readingLog.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return (flags.report.empty() || report_ >= 0) && (flags.readingLog.empty() || readings_ >= 0);
  }
  void watch(const Node& node, HostClock& clock) {
    for (; written_ < node.taken(); written_++) {
      char line[160];
      JsonWriter json(line, sizeof line);
      json.raw("{\"time\":").whole(clock.unixMs()).raw(",\"boot\":").whole(node.boot()).raw(",\"seq\":").whole(written_).raw("}\n");
      put(readings_, json.text());
    }
  }
  void atEnd(const Node& node) const {
    char line[256];
    JsonWriter json(line, sizeof line);
    json.raw("{\"boot\":").whole(node.boot()).raw(",\"attempted\":").whole(node.taken()).raw(",\"acknowledged\":").whole(node.acknowledged());
    json.raw(",\"backlog\":").whole(node.recorder().backlog()).raw(",\"dropped\":").whole(node.recorder().dropped()).raw("}\n");
    put(report_, json.text());
  }

 private:
  static void put(int file, Text line) {
    if (file >= 0 && write(file, line.data, line.size) < 0) return;
  }

  int report_ = -1;
  int readings_ = -1;
  uint32_t written_ = 0;
};

Node* theNode = nullptr;
Counts counts;
void writeReport() { counts.atEnd(*theNode); }

void sayReady(const Node& node, const Flags& flags, const Cable& cable, Text slot) {
  char line[512];
  JsonWriter json(line, sizeof line);
  const Settings& settings = node.settings();
  json.raw("{\"event\":\"ready\",\"id\":").string(Text(settings.id, strlen(settings.id))).raw(",\"pid\":").whole(getpid());
  json.raw(",\"boot\":").whole(node.boot()).raw(",\"version\":").string(theBuild(flags).version);
  json.raw(",\"board\":").string(theBuild(flags).board).raw(",\"slot\":").string(slot);
  if (flags.hasSerial) json.raw(",\"serial\":").string(Text(cable.path(), strlen(cable.path())));
  json.raw("}\n");
  if (write(STDOUT_FILENO, line, json.size()) < 0) return;
}

int run(const Flags& flags, const Boot& boot, Power& power, char** argv) {
  const std::string flash = flags.state + "/flash";
  FileStore store(flash.c_str(), power);
  std::string wrong;
  if (!provisionByFlags(flags, store, flags.state + "/flags", wrong)) {
    (void)fprintf(stderr, "espalier-node: %s\n", wrong.c_str());
    return kBadFlags;
  }

  HostClock clock(flags.clock, boot.startedNs);
  static Noise noise(flags.seed ^ boot.startedNs);
  dropNoise = &noise;
  dropShare = flags.netDrop;
  Machine machine(clock, restart, boot.restarted ? "software" : "power_on");
  Cable cable;
  if ((!flags.execLog.empty() && !machine.openExecLog(flags.execLog.c_str())) || !counts.open(flags)) {
    (void)fprintf(stderr, "espalier-node: --exec-log, --reading-log or --report can't be written. Allowed: a file\n");
    return kBadFlags;
  }
  if (flags.hasSerial && !cable.open(boot.cable, flags.serial.c_str())) {
    (void)fprintf(stderr, "espalier-node: --serial: no pseudo-terminal, or the link can't be made. Allowed: a path\n");
    return kBadFlags;
  }
  MqttClient mqtt(drops);
  Wire wire(mqtt);
  RoomSensor room(clock, flags.seed);
  Sensor* sensors[] = {&room};
  RoomOutput relay("relay");
  RoomOutput pump("pump");
  Output* outputs[] = {&relay, &pump};
  RoomLed led;
  SlotFiles slots(flags.state.c_str(), boot.slot, power, restart);
  OpensslCrypto crypto;
  // The settings change below a connection; a download has the CA it began with.
  static char ca[sizes::kPemBytes];
  HttpsClient http(ca);

  Ports ports = {wire, mqtt, clock, store, slots, http, crypto, led, cable, machine, sensors, 1, outputs, 2};
  Node::Options options;
  options.ringReadings = flags.ring;
  options.intervalS = flags.intervalS;
  static Node node(ports, theBuild(flags), options);
  theNode = &node;
  reset = {flags.state.c_str(), &power, boot, argv, writeReport};
  reset.boot.cable = cable.file();
  node.begin();
  if (flags.broker.empty() && !flags.hasSerial && node.settings().id[0] == '\0') {
    (void)fprintf(stderr, "espalier-node: nobody can tell it who it is. Allowed: --id and --broker, or --serial PATH and `espalier node provision`; more: --help\n");
    return kBadFlags;
  }
  // An update that goes on after a reset is busy from the first step, and needs to know whom to trust as well.
  memcpy(ca, node.settings().broker.ca, sizeof ca);
  sayReady(node, flags, cable, slots.running());

  while (!node.stopped()) {
    if (stopping != 0) node.stop();
    if (!node.busy()) memcpy(ca, node.settings().broker.ca, sizeof ca);
    node.step();
    counts.watch(node, clock);
    const char* why = mqtt.takeWhy();
    if (why[0] != '\0') machine.log(Text(why, strlen(why)));
    if (node.stopped()) break;
    double sleepNs = kTurnNs / clock.rate();
    if (sleepNs > kTurnNs) sleepNs = kTurnNs;
    if (sleepNs < kShortestTurnNs) sleepNs = kShortestTurnNs;
    if (node.busy()) sleepNs = 1e6;
    if (mqtt.pending()) sleepNs = 0;
    timespec sleep = {0, static_cast<long>(sleepNs)};
    pollfd files[2] = {{mqtt.socket(), static_cast<short>(POLLIN | (mqtt.wantsWrite() ? POLLOUT : 0)), 0}, {cable.file(), POLLIN, 0}};
    sigset_t none;
    sigemptyset(&none);
    (void)ppoll(files, 2, &sleep, &none);
  }
  writeReport();
  return 0;
}

bool makeDirectory(const std::string& path) {
  struct stat found = {};
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return false;
  return stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && (found.st_uid != geteuid() || chmod(path.c_str(), 0700) == 0);
}

int powerOn(const Flags& flags, Power& power, char** argv) {
  Boot boot;
  boot.startedNs = HostClock::monotonicNs();
  if (!makeDirectory(flags.state) || !makeDirectory(flags.state + "/flash")) {
    (void)fprintf(stderr, "espalier-node: --state: %s can't be made. Allowed: a directory of your own\n", flags.state.c_str());
    return kBadFlags;
  }
  // Handed on over every reboot, gone with the process.
  boot.lock = open((flags.state + "/lock").c_str(), O_RDWR | O_CREAT, 0600);
  if (boot.lock < 0 || flock(boot.lock, LOCK_EX | LOCK_NB) != 0) {
    (void)fprintf(stderr, "espalier-node: --state: %s is in use by another node. Allowed: one node a directory\n", flags.state.c_str());
    return kBadFlags;
  }
  if (!flashIfOther(flags.state.c_str(), (flags.state + "/cable").c_str())) {
    (void)fprintf(stderr, "espalier-node: the image can't be put into %s\n", flags.state.c_str());
    return 1;
  }
  const char* why = start(flags.state.c_str(), power, boot, argv);
  (void)fprintf(stderr, "espalier-node: %s\n", why);
  return 1;
}

/** From now on the parent's end is a SIGTERM, held over every reboot; false: it ended before. */
bool staysWith(int parent) { return parent == 0 || (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent); }

int begin(int argc, char** argv) {
  // Secrets in memory are for nobody's core file.
  const rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0);
  (void)umask(077);
  static Flags flags;
  std::string wrong;
  if (!readFlags(argc, argv, flags, wrong)) {
    (void)fprintf(stderr, "espalier-node: %s\n", wrong.c_str());
    return kBadFlags;
  }
  if (flags.help || flags.version) {
    const std::string text = flags.help ? help() : std::string(ESPALIER_VERSION "\n");
    (void)fputs(text.c_str(), stdout);
    return 0;
  }
  (void)signal(SIGPIPE, SIG_IGN);
  // Heard in ppoll alone.
  struct sigaction action = {};
  action.sa_handler = onSignal;
  (void)sigaction(SIGTERM, &action, nullptr);
  (void)sigaction(SIGINT, &action, nullptr);
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGTERM);
  sigaddset(&held, SIGINT);
  (void)sigprocmask(SIG_BLOCK, &held, nullptr);
  if (!staysWith(flags.parent)) {
    (void)fprintf(stderr, "espalier-node: --with-parent: %d is not who started it, or is gone\n", flags.parent);
    return kBadFlags;
  }

  static Power power;
  power.whenCut(onPowerCut);
  power.slow(static_cast<uint32_t>(flags.flashSlowMs * 1000));
  Boot boot;
  const bool started = wasStarted(boot);
  if (flags.flashCut > boot.changes) power.cutAt(flags.flashCut - boot.changes, flags.tear, flags.tail);
  return started ? run(flags, boot, power, argv) : powerOn(flags, power, argv);
}

}  // namespace
}  // namespace host
}  // namespace espalier

int main(int argc, char** argv) { return espalier::host::begin(argc, argv); }
