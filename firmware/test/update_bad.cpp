// A thousand updates that are none, and one good one for each way of being none: `update_bad DIR SCALE`. Each is refused with its own code,
// and the slot that runs stays as it was. A line of JSON a class; a broken promise ends the program.
#include "update_board.h"

using namespace espalier;
using namespace espalier::test;
using contract::CommandError;
using Kind = UpdateNews::Kind;

namespace {

struct Verdict {
  bool taken = false;
  CommandError error = CommandError::unknownCommand;
  /** The slot that does not run may have been written to. */
  bool touched = false;
};

/** Offers what the board has before it, as it is, until it is refused or would restart. */
Verdict offer(Board& board) {
  const uint32_t before = board.power.changes();
  Verdict verdict;
  must(host::chooseSlot(board.directory, board.power) == 0, "the old image does not run");
  host::SlotFiles slots(board.directory, 0, board.power, nullptr, kCapacity);
  Updater updater(board.store, slots, board.http, board.crypto, board.system, kBuilds[0]);
  updater.begin(0);
  Command command;
  char message[sizes::kAckMessageBytes] = {};
  must(board.order.write(command), "no command");
  if (updater.start(command, board.signer.publicKey(), verdict.error, message, sizeof message)) {
    for (uint64_t nowMs = 0; nowMs < 7200000; nowMs += 50) {
      const UpdateNews news = updater.step(nowMs, true);
      verdict.taken = news.kind == Kind::restart;
      verdict.error = news.error;
      if (verdict.taken || news.kind == Kind::failed) break;
    }
    if (!verdict.taken) updater.settled();
  } else {
    must(message[0] != '\0', "refused without a word");
  }
  verdict.touched = board.power.changes() != before;
  must(!slots.misused(), "wrote where flash was not erased");
  return verdict;
}

class Dice {
 public:
  [[nodiscard]] uint32_t below(uint32_t most) {
    noise_ = noise_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<uint32_t>(noise_ >> 33U) % most;
  }

 private:
  uint64_t noise_ = 42;
};

Dice dice;
/** Texts of an order that was hurt live here. */
char hurt[64];

Text changed(Text text, size_t at) {
  memcpy(hurt, text.data, text.size);
  hurt[at] = static_cast<char>(hurt[at] ^ 1);
  return Text(hurt, text.size);
}

void resign(Board& board) {
  hashInto(board.http.image, board.order.sha256);
  board.order.size = static_cast<uint32_t>(board.http.image.size);
  board.signer.sign(board.order);
}

/** Each makes the good offer before it a bad one, and says how it is to be refused. */
using Spoil = CommandError (*)(Board& board);

uint8_t spoiled[kImageBytes];

CommandError spoilImage(Board& board) {
  memcpy(spoiled, board.newImage, sizeof spoiled);
  spoiled[dice.below(kImageBytes)] ^= static_cast<uint8_t>(1U << dice.below(8));
  board.http.image = Span(spoiled, sizeof spoiled);
  return CommandError::badHash;
}

CommandError spoilManifest(Board& board) {
  Order& order = board.order;
  switch (dice.below(4)) {
    case 0:
      order.board = changed(order.board, dice.below(static_cast<uint32_t>(order.board.size)));
      return CommandError::wrongBoard;
    case 1:
      order.version = changed(order.version, 2 * dice.below(3));
      return CommandError::badSignature;
    case 2:
      order.size ^= 1U << dice.below(16);
      return CommandError::badSignature;
    default:
      order.sha256[dice.below(32)] ^= static_cast<uint8_t>(1U << dice.below(8));
      return CommandError::badSignature;
  }
}

CommandError spoilSignature(Board& board) {
  board.order.signature[dice.below(static_cast<uint32_t>(board.order.signatureSize))] ^= static_cast<uint8_t>(1U << dice.below(8));
  return CommandError::badSignature;
}

CommandError cutShort(Board& board) {
  board.http.image.size = dice.below(kImageBytes);
  return CommandError::truncated;
}

CommandError ofAnotherBoard(Board& board) {
  makeImage(spoiled, sizeof spoiled, "desk", "1.1.0", dice.below(1000));
  board.http.image = Span(spoiled, sizeof spoiled);
  board.order.board = "desk";
  resign(board);
  return CommandError::wrongBoard;
}

/** Well signed, but the image says otherwise than the manifest. */
CommandError lyingManifest(Board& board) {
  const bool lies = dice.below(2) == 0;
  makeImage(spoiled, sizeof spoiled, lies ? Text("desk") : Text("bench"), lies ? Text("1.1.0") : Text("0.9.0"), dice.below(1000));
  board.http.image = Span(spoiled, sizeof spoiled);
  resign(board);
  return CommandError::badManifest;
}

CommandError older(Board& board) {
  constexpr Text kVersions[] = {"0.9.9", "1.0.0-rc.1", "0.0.0", "1.0.0-0", "0.99.99", "1.0.0", "1.0.0+build.9"};
  board.order.version = kVersions[dice.below(7)];
  makeImage(spoiled, sizeof spoiled, "bench", board.order.version, dice.below(1000));
  board.http.image = Span(spoiled, sizeof spoiled);
  // By force too: this build does not go back.
  board.order.force = dice.below(2) == 0 && !board.order.version.equals("1.0.0") && !board.order.version.equals("1.0.0+build.9");
  resign(board);
  return CommandError::downgrade;
}

struct Class {
  const char* name;
  uint32_t count;
  Spoil spoil;
  /** Found out before any slot is touched. */
  bool early;
};

constexpr Class kClasses[] = {
    {"image", 300, spoilImage, false},      {"manifest", 200, spoilManifest, true},
    {"signature", 200, spoilSignature, true}, {"truncated", 100, cutShort, false},
    {"wrong_board", 100, ofAnotherBoard, true}, {"downgrade", 100, older, true},
    {"lying_manifest", 100, lyingManifest, false},
};

void runClass(Board& board, const Class& one, uint32_t count) {
  uint32_t refused = 0;
  for (uint32_t i = 0; i < count; i++) {
    board.lay();
    const CommandError wanted = one.spoil(board);
    const Verdict verdict = offer(board);
    must(!verdict.taken, "a bad update was taken");
    if (verdict.error != wanted) {
      fprintf(stderr, "%s: %s\n", one.name, contract::kCommandErrorNames[static_cast<size_t>(verdict.error)].data);
      stop("refused with another code");
    }
    must(!one.early || !verdict.touched, "flash was touched before the manifest was good");
    must(board.imageIn(0) == 0 && host::chooseSlot(board.directory, board.power) == 0, "the slot that runs is not as it was");
    refused++;
  }
  board.lay();
  must(offer(board).taken && host::chooseSlot(board.directory, board.power) == 1 && board.imageIn(1) == 1, "the good one was refused");
  printf("{\"class\":\"%s\",\"refused\":%u,\"good_taken\":1}\n", one.name, refused);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) stop("DIR SCALE");
  static Board board(argv[1]);
  const uint32_t scale = static_cast<uint32_t>(atoi(argv[2]));
  for (const Class& one : kClasses) runClass(board, one, one.count * scale);
  return 0;
}
