#include "check.h"
#include "espalier/recorder.h"
#include "flash.h"

using namespace espalier;
using namespace espalier::test;

static FaultyStore store;
static char buffer[sizes::kOutBytes];
static const Channel channels[] = {{"temperature", "°C", false, 0, 0, 2}, {"humidity", "%", false, 0, 0, 1}};

static bool begins(Text text, Text wanted) { return text.size >= wanted.size && memcmp(text.data, wanted.data, wanted.size) == 0; }

static Recorder::Options options() {
  Recorder::Options it;
  it.id = "01";
  it.channels = channels;
  it.channelCount = 2;
  it.keepReceipt = true;
  return it;
}

static void testRecorder(Check& check) {
  store.format();
  WallClock clock;
  Recorder recorder(store, clock);
  recorder.begin(options(), 7, 0);
  const double values[] = {22.5, 45.25};
  CHECK(recorder.take(values, true, -65, 1000) == 0);
  recorder.connected(1000);
  CHECK(recorder.nextBacklog(1000, buffer, sizeof buffer).count == 0);
  clock.fromBroker(1704844800000, 2000);
  const Outgoing batch = recorder.nextBacklog(2000, buffer, sizeof buffer);
  CHECK(batch.count == 1 && batch.first == 0 && batch.boot == 7);
  CHECK(begins(batch.payload, "{\"node_id\":\"node_01\",\"boot\":7,\"seq\":0,\"oldest\":{\"boot\":7,\"seq\":0},\"readings\":[{\"timestamp\":"));
  recorder.sent(batch, 2000);
  CHECK(recorder.take(values, true, -65, 3000) == 1);
  const Outgoing live = recorder.nextLive(3000, buffer, sizeof buffer);
  CHECK(live.count == 1 && live.first == 1);
  recorder.sent(live, 3000);
  CHECK(recorder.nextLive(3000, buffer, sizeof buffer).count == 0);
  CHECK(recorder.held() == 2);
  Receipts receipts;
  receipts.count = 1;
  receipts.entries[0] = {7, true, 1, 1, 0};
  recorder.receipts(receipts, 3500);
  CHECK(recorder.held() == 0);
}

static const Unit unit("recorder", testRecorder);
