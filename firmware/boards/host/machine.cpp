#include "machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "espalier/json_writer.h"

namespace espalier {
namespace host {

bool Machine::openExecLog(const char* path) {
  execLog_ = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  return execLog_ >= 0;
}

uint32_t Machine::random() {
  uint32_t value = 0;
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
  return value;
}

/** On the disk before the command does anything. */
void Machine::executing(Text id, Text command, Text params, uint32_t boot) {
  if (execLog_ < 0) return;
  char line[contract::kCommandBytes * 2];
  JsonWriter json(line, sizeof line);
  json.raw("{\"time\":").whole(clock_.unixMs()).raw(",\"id\":");
  if (id.size > 0) json.string(id);
  else json.raw("null");
  json.raw(",\"command\":").string(command).raw(",\"params\":").raw(params.size > 0 ? params : Text("{}"));
  json.raw(",\"boot\":").whole(boot).raw("}\n");
  if (write(execLog_, line, json.size()) != static_cast<ssize_t>(json.size()) || fsync(execLog_) != 0) log("the exec log could not be written");
}

void Machine::log(Text line) {
  char out[512];
  JsonWriter json(out, sizeof out);
  json.raw("{\"time\":").whole(clock_.unixMs()).raw(",\"msg\":").string(line).raw("}\n");
  if (write(STDERR_FILENO, out, json.size()) < 0) return;
}

Text Wire::address() {
  mqtt_.line().localAddress(address_, sizeof address_);
  return Text(address_, strlen(address_));
}

}  // namespace host
}  // namespace espalier
