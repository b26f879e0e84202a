// Updates of a board that loses its power. `cuts DIR`: at every flash write, in all ways a write can end. `resets DIR`: anywhere in the trial.
// `lines DIR`: while it downloads. `storm DIR N`: N updates, the power going up to six times in each. One line of JSON tells what happened;
// a broken promise ends the program.
#include "update_board.h"

using namespace espalier;
using namespace espalier::test;
using Kind = UpdateNews::Kind;

namespace {

struct Life {
  uint32_t boots = 0;
  uint32_t rolledBack = 0;
  uint32_t offers = 0;
  /** Virtual time of the last boot. */
  uint64_t nowMs = 0;
};

/** One boot: until the power goes, the node restarts, or all is over. True: all is over. */
bool boot(Board& board, int slot, Life& life, bool reachesBroker) {
  const int image = board.imageIn(slot);
  must(image >= 0, "started what is neither image");
  host::SlotFiles slots(board.directory, slot, board.power, nullptr, kCapacity);
  Updater updater(board.store, slots, board.http, board.crypto, board.system, kBuilds[image]);
  uint64_t& nowMs = life.nowMs;
  nowMs = 0;
  updater.begin(nowMs);
  bool over = false;
  while (!over && !board.power.off()) {
    // The manager: offers what the node has not, whenever it can take it.
    if (!updater.busy() && image == 0) {
      Command command;
      contract::CommandError error = contract::CommandError::busy;
      char message[sizes::kAckMessageBytes];
      const bool taken = board.order.write(command) && updater.start(command, board.signer.publicKey(), error, message, sizeof message);
      must(taken || board.power.off(), "a good update was refused");
      life.offers++;
      must(life.offers < 20, "offered again and again");
    }
    if (updater.onTrial() && reachesBroker) {
      updater.birthAcknowledged();
      updater.telemetryAcknowledged();
    }
    nowMs += 50;
    const bool trial = updater.onTrial();
    const UpdateNews news = updater.step(nowMs, true);
    if (board.power.off()) break;
    if (news.kind == Kind::restart) break;
    if (news.kind == Kind::failed) {
      must(news.error == contract::CommandError::rolledBack, "an update failed otherwise than by a reset in its trial");
      life.rolledBack++;
      updater.settled();
      over = !reachesBroker;
    }
    if (news.kind == Kind::done) updater.settled();
    over = over || (image == 1 && !updater.busy());
    if (trial && !reachesBroker && nowMs >= 300000) break;
  }
  must(!slots.misused(), "wrote where flash was not erased");
  return over && !board.power.off();
}

/** Power on, until the update is over. It goes again in each of the next `storms` boots, at any write. */
Life live(Board& board, bool reachesBroker, uint32_t storms = 0) {
  Life life;
  for (;;) {
    must(++life.boots < 30, "boots again and again");
    if (storms > 0) {
      const uint32_t dice = board.system.random() >> 8U;
      board.power.cutAt(1 + dice % 90, static_cast<host::Tear>(dice / 90 % 3), static_cast<host::Tail>(dice / 270 % 2));
      storms--;
    }
    const int slot = host::chooseSlot(board.directory, board.power);
    if (board.power.off()) {
      board.power.on();
      continue;
    }
    must(slot >= 0, "nothing can be started");
    if (boot(board, slot, life, reachesBroker)) return life;
    if (board.power.off()) board.power.on();
  }
}

void endsWithNew(Board& board) {
  const int slot = host::chooseSlot(board.directory, board.power);
  must(slot == 1 && board.imageIn(1) == 1 && board.imageIn(0) == 0, "does not run the new image in the end");
  host::SlotFiles slots(board.directory, slot, board.power, nullptr, kCapacity);
  uint8_t none = 0;
  must(!slots.onTrial() && board.store.read("ota.job", 0, &none, 1) == 0, "not confirmed, or the order is left behind");
}

void cuts(Board& board) {
  uint32_t lives = 0;
  uint32_t writes = 0;
  uint32_t boots = 0;
  uint32_t rolledBack = 0;
  uint64_t mostBytes = 0;
  for (int kind = 0; kind < 6; kind++) {
    for (uint32_t nth = 1;; nth++) {
      board.lay();
      const uint32_t before = board.power.changes();
      board.power.cutAt(nth, static_cast<host::Tear>(kind / 2), static_cast<host::Tail>(kind % 2));
      const Life life = live(board, true);
      endsWithNew(board);
      const uint32_t changes = board.power.changes() - before;
      if (changes < nth) break;
      writes = nth;
      lives++;
      boots += life.boots;
      rolledBack += life.rolledBack;
      // Nothing is fetched twice but the sector that was being written, unless the update began anew.
      must(life.rolledBack > 0 || board.http.served <= kImageBytes + 4096, "fetched more than a sector again");
      if (life.rolledBack == 0 && board.http.served > mostBytes) mostBytes = board.http.served;
    }
  }
  printf("{\"writes\":%u,\"cuts\":%u,\"boots\":%u,\"rolled_back\":%u,\"most_bytes\":%llu}\n", writes, lives, boots, rolledBack,
         static_cast<unsigned long long>(mostBytes));
}

/** A board in its trial that is reset after so many steps, having heard so much. */
void resets(Board& board) {
  uint32_t count = 0;
  for (int heard = 0; heard < 7; heard++) {
    for (int steps = 0; steps < 5; steps++, count++) {
      board.lay();
      Life life;
      must(!boot(board, host::chooseSlot(board.directory, board.power), life, true), "no restart");
      const int slot = host::chooseSlot(board.directory, board.power);
      must(slot == 1 && board.imageIn(1) == 1, "the new image is not started");
      {
        host::SlotFiles slots(board.directory, slot, board.power, nullptr, kCapacity);
        Updater updater(board.store, slots, board.http, board.crypto, board.system, kBuilds[1]);
        updater.begin(0);
        must(updater.onTrial() && !slots.begin(0), "a trial can be written over");
        if (heard == 6) updater.birthAcknowledged();
        for (int i = 0; i < heard && !(heard == 6 && i >= 2); i++) updater.telemetryAcknowledged();
        for (int i = 0; i < steps; i++) must(updater.step(static_cast<uint64_t>(i), true).kind == Kind::none, "news of a trial");
      }
      must(host::chooseSlot(board.directory, board.power) == 0, "the old image does not run after a reset in the trial");
      Life after;
      must(boot(board, 0, after, false) && after.rolledBack == 1 && board.imageIn(0) == 0, "does not say rolled_back");
    }
  }
  // Nobody is reached for five minutes.
  board.lay();
  const Life life = live(board, false);
  must(life.rolledBack == 1 && life.boots == 3 && host::chooseSlot(board.directory, board.power) == 0, "no way back after five minutes");
  printf("{\"resets\":%u,\"silent_rolled_back\":%u}\n", count, life.rolledBack);
}

void storm(Board& board, uint32_t lives) {
  uint32_t boots = 0;
  uint32_t rolledBack = 0;
  for (uint32_t i = 0; i < lives; i++) {
    board.lay();
    const Life life = live(board, true, 6);
    board.power.on();
    endsWithNew(board);
    boots += life.boots;
    rolledBack += life.rolledBack;
  }
  printf("{\"updates\":%u,\"boots\":%u,\"rolled_back\":%u}\n", lives, boots, rolledBack);
}

void lines(Board& board) {
  board.lay();
  board.http.breaks = 20;
  board.http.breaksAfter = 3001;
  Life life = live(board, true);
  endsWithNew(board);
  const uint64_t broken = board.http.served;
  const uint32_t opens = board.http.opens;
  must(life.boots == 2 && opens == 21, "a broken line is not gone on with");

  board.lay();
  uint32_t powerCuts = 0;
  uint32_t noise = 5;
  while (powerCuts < 20) {
    const int slot = host::chooseSlot(board.directory, board.power);
    must(slot == 0, "the old image does not run while the new one comes");
    noise = noise * 1664525U + 1013904223U;
    board.power.cutAt(3 + (noise >> 16U) % 12, static_cast<host::Tear>(powerCuts % 3), static_cast<host::Tail>(powerCuts % 2));
    must(!boot(board, slot, life, true), "over before its time");
    must(board.power.off(), "there before twenty cuts");
    board.power.on();
    powerCuts++;
  }
  life = live(board, true);
  endsWithNew(board);
  printf("{\"broken_lines\":20,\"bytes_then\":%llu,\"opens\":%u,\"power_cuts\":%u,\"bytes\":%llu,\"size\":%u}\n",
         static_cast<unsigned long long>(broken), opens, powerCuts, static_cast<unsigned long long>(board.http.served),
         static_cast<unsigned>(kImageBytes));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) stop("cuts|resets|lines|storm DIR [N]");
  static Board board(argv[2]);
  if (strcmp(argv[1], "cuts") == 0) cuts(board);
  else if (strcmp(argv[1], "resets") == 0) resets(board);
  else if (strcmp(argv[1], "storm") == 0 && argc == 4) storm(board, static_cast<uint32_t>(atoi(argv[3])));
  else lines(board);
  return 0;
}
