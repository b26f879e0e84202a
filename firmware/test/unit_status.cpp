#include "check.h"
#include "espalier/status.h"

using namespace espalier;
using namespace espalier::test;

static char out[contract::kStatusBytes];

static void testStatus(Check& check) {
  Channel channels[2];
  channels[0].name = "temperature";
  channels[0].unit = "°C";
  channels[0].hasRange = true;
  channels[0].min = -40;
  channels[0].max = 84.9;
  channels[1].name = "light";
  const Text outputs[] = {"relay", "pump"};
  StatusFacts facts;
  facts.id = "n1";
  facts.hasTime = true;
  facts.unixMs = 1780000000250;
  facts.boot = 4294967295;
  facts.intervalS = 0.1;
  facts.uptimeS = 7;
  facts.hasRssi = true;
  facts.rssi = -65;
  facts.board = "esp32dev";
  facts.version = "1.2.3";
  facts.slot = "app0";
  facts.resetReason = "power_on";
  facts.freeHeap = 90000;
  facts.largestFreeBlock = 60000;
  facts.ip = "10.0.0.9";
  facts.channels = channels;
  facts.channelCount = 2;
  facts.outputs = outputs;
  facts.outputCount = 2;
  const Text wanted =
      R"({"node_id":"node_n1","online":true,"timestamp":1780000000.25,"boot":4294967295,"interval":0.1,"uptime":7,"wifi_rssi":-65,)"
      R"("board":"esp32dev","virtual":false,"firmware":{"version":"1.2.3","slot":"app0","confirmed":true},"reset_reason":"power_on",)"
      R"("free_heap":90000,"largest_free_block":60000,"ip":"10.0.0.9","backlog":0,"dropped":0,"dropped_undatable":0,"keep":"puback",)"
      R"("caps":["dedupe"],"config_rev":0,"sensors":[{"name":"temperature","unit":"°C","min":-40,"max":84.9},{"name":"light"}],)"
      R"("outputs":[{"name":"relay"},{"name":"pump"}]})";
  const size_t size = encodeStatus(facts, out, sizeof out);
  CHECK(Text(out, size).equals(wanted));
  CHECK(encodeStatus(facts, out, size - 1) == 0);
  CHECK(encodeStatus(facts, out, size) == size);
  CHECK(Text(out, encodeWill("n1", 5, out, sizeof out)).equals(R"({"node_id":"node_n1","online":false,"boot":5})"));
  CHECK(Text(out, encodeGoodbye("n1", 5, "update", out, sizeof out)).equals(R"({"node_id":"node_n1","online":false,"boot":5,"reason":"update"})"));
  CHECK(encodeWill("n1", 5, out, 10) == 0 && encodeGoodbye("n1", 5, "sleep", out, 10) == 0);
}

static const Unit unit("status", testStatus);
