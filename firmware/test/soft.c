/* The arithmetic of platform/xtensa_soft.c against this machine's own, on random bits: prints the first difference. */
#define ON_HOST
#include <stdio.h>
#include <string.h>

#include "platform/xtensa_soft.c"

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/** Any double, and often one near another's exponent, subnormal, short or tiny. */
static double any(void) {
  uint64_t bits = next();
  switch (next() % 6) {
    case 0: bits = (bits & ~INFINITE) | ((1023 - 30 + next() % 60) << 52); break;
    case 1: bits &= ~INFINITE; break;
    case 2: bits &= ~((1ull << 45) - 1); break;
    case 3: bits = (bits & ~INFINITE) | ((next() % 60) << 52); break;
    default: break;
  }
  return made(bits);
}

static int same(double a, double b) { return a != a ? b != b : memcmp(&a, &b, sizeof a) == 0; }

#define MUST(good)                                   \
  if (!(good)) {                                     \
    printf("%s: %a %a %llx %llx\n", #good, x, y, (unsigned long long)a, (unsigned long long)b); \
    return 1;                                        \
  }

int main(void) {
  for (long round = 0; round < 3000000; round++) {
    const double x = any(), y = any();
    const uint64_t a = next() >> (next() % 64), b = (next() >> (next() % 64)) | 1;
    const int64_t c = (int64_t)next() >> (next() % 64), d = ((int64_t)next() >> (next() % 64)) | 1;
    const double part = (double)a * 0.37;
    MUST(same(soft_adddf3(x, y), x + y))
    MUST(same(soft_subdf3(x, y), x - y))
    MUST(same(soft_muldf3(x, y), x * y))
    MUST(same(soft_divdf3(x, y), x / y))
    MUST(soft_udivdi3(a, b) == a / b && soft_umoddi3(a, b) == a % b && soft_muldi3(a, b) == a * b)
    MUST(soft_udivsi3((uint32_t)a, (uint32_t)b) == (uint32_t)a / (uint32_t)b)
    MUST(d == -1 || (soft_divdi3(c, d) == c / d && soft_moddi3(c, d) == c % d))
    MUST(same(soft_floatundidf(a), (double)a) && same(soft_floatunsidf((uint32_t)a), (double)(uint32_t)a))
    MUST(same(soft_floatdidf(c), (double)c) && same(soft_floatsidf((int32_t)c), (double)(int32_t)c))
    MUST(soft_fixunsdfdi(part) == (uint64_t)part && soft_fixdfdi(-part / 4) == (int64_t)(-part / 4))
  }
  puts("equal");
  return 0;
}
