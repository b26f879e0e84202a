#include "espalier/own_command.h"

namespace espalier {

OwnCommands::OwnCommands(OwnCommand* const* commands, size_t count) : commands_(commands), count_(count) {
  for (size_t i = 0; i < count_; i++) {
    const Text name = commands_[i]->name();
    const size_t comma = i > 0 ? 1 : 0;
    if (namesSize_ + comma + name.size > sizeof names_) return;
    if (comma > 0) names_[namesSize_++] = ',';
    memcpy(names_ + namesSize_, name.data, name.size);
    namesSize_ += name.size;
  }
}

OwnCommand* OwnCommands::find(Text name) const {
  for (size_t i = 0; i < count_; i++)
    if (commands_[i]->name().equals(name)) return commands_[i];
  return nullptr;
}

bool OwnCommands::refuses(const Command& command, Effect& why) const {
  OwnCommand* const own = find(command.name.text());
  if (own == nullptr || !own->refuses(command.params, why)) return false;
  if (why.message[0] == '\0') why.say("these params are not allowed");
  why.error = contract::CommandError::badParams;
  return true;
}

void OwnCommands::execute(const Command& command, Effect& effect) const {
  OwnCommand* const own = find(command.name.text());
  if (own != nullptr) own->execute(command.params, effect);
}

}  // namespace espalier
