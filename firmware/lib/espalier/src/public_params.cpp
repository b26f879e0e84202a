#include "public_params.h"

#include "espalier/json_writer.h"

namespace espalier {
namespace {

constexpr Text kConfigure[] = {"rev", "interval", "outputs", "safe_after"};
constexpr Text kUpdate[] = {"board", "version", "size", "sha256", "force"};

template <size_t kCount>
Text only(Json params, const Text (&names)[kCount], char* out, size_t room) {
  JsonWriter json(out, room);
  json.raw("{");
  bool first = true;
  for (const Text name : names) {
    const Json value = params.member(name);
    if (value.is(JsonKind::absent)) continue;
    json.raw(first ? Text() : Text(",")).string(name).raw(":").raw(value.raw());
    first = false;
  }
  json.raw("}");
  return json.size() > 0 ? json.text() : Text("{}");
}

}  // namespace

Text publicParams(const Command& command, char* out, size_t room) {
  if (command.params.is(JsonKind::absent)) return "{}";
  if (command.name.text().equals("configure")) return only(command.params, kConfigure, out, room);
  if (command.name.text().equals("update_firmware")) return only(command.params, kUpdate, out, room);
  return command.params.raw();
}

}  // namespace espalier
