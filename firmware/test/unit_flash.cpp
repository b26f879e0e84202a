#include "check.h"
#include "flash.h"

using namespace espalier;
using namespace espalier::test;

static FaultyStore store;

static Span span(const char* text) { return Span(reinterpret_cast<const uint8_t*>(text), strlen(text)); }

static bool holds(Text name, const char* wanted, size_t size) {
  uint8_t out[32];
  return store.read(name, 0, out, sizeof out) == size && memcmp(out, wanted, size) == 0;
}

static void testFlash(Check& check) {
  store.format();
  CHECK(!holds("a", "", 1));
  CHECK(store.write("a", span("old")));
  CHECK(store.append("a", span("er")));
  CHECK(holds("a", "older", 5));
  CHECK(store.changes() == 2 && store.erases("a") == 1 && store.appends("a") == 1);
  uint8_t out[2];
  CHECK(store.read("a", 4, out, 2) == 1 && out[0] == 'r');
  CHECK(store.read("a", 5, out, 2) == 0);

  store.cutAt(1, {Tear::old, Tail::erased});
  CHECK(!store.write("a", span("new")));
  CHECK(store.off() && store.read("a", 0, out, 2) == 0 && !store.write("a", span("late")));
  store.powerUp();
  CHECK(holds("a", "older", 5));
  store.cutAt(1, {Tear::half, Tail::erased});
  CHECK(!store.append("a", span("abcd")));
  store.powerUp();
  CHECK(holds("a", "olderab\xff\xff", 9));
  store.cutAt(2, {Tear::whole, Tail::erased});
  CHECK(store.write("a", span("one")));
  CHECK(!store.write("a", span("two")));
  store.powerUp();
  CHECK(holds("a", "two", 3));
  store.cutAt(1, {Tear::old, Tail::erased});
  store.remove("a");
  store.powerUp();
  CHECK(holds("a", "two", 3));
  store.remove("a");
  CHECK(store.read("a", 0, out, 2) == 0 && store.used() == 0);
  store.refuse(true);
  CHECK(!store.write("a", span("x")) && !store.off());
}

static const Unit unit("flash", testFlash);
