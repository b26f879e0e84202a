/* Arithmetic that an ESP8266 keeps in ROM and its libgcc therefore lacks: division of whole numbers, and double precision, rounded to the
   nearest, ties to even, subnormals included. Held against this machine's own arithmetic by test/firmware/units.test.ts. */
#include <stdint.h>

#ifdef ON_HOST
#define NAME(name) soft_##name
#else
#define NAME(name) __##name
#endif

typedef union {
  double value;
  uint64_t bits;
} Double;

uint64_t NAME(muldi3)(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  for (; b != 0; a <<= 1, b >>= 1) sum += (b & 1) ? a : 0;
  return sum;
}

static uint64_t divide(uint64_t a, uint64_t b, uint64_t *rest) {
  uint64_t quotient = 0, left = 0;
  for (int bit = 63; bit >= 0; bit--) {
    const uint64_t carry = left >> 63;
    left = (left << 1) | ((a >> bit) & 1);
    if (carry || left >= b) left -= b, quotient |= (uint64_t)1 << bit;
  }
  *rest = left;
  return quotient;
}

uint64_t NAME(udivdi3)(uint64_t a, uint64_t b) { uint64_t rest; return divide(a, b, &rest); }
uint64_t NAME(umoddi3)(uint64_t a, uint64_t b) { uint64_t rest; divide(a, b, &rest); return rest; }
uint32_t NAME(udivsi3)(uint32_t a, uint32_t b) { uint64_t rest; return (uint32_t)divide(a, b, &rest); }
uint32_t NAME(umodsi3)(uint32_t a, uint32_t b) { uint64_t rest; divide(a, b, &rest); return (uint32_t)rest; }

static uint64_t size64(int64_t a) { return a < 0 ? -(uint64_t)a : (uint64_t)a; }
int64_t NAME(divdi3)(int64_t a, int64_t b) {
  uint64_t rest;
  const uint64_t quotient = divide(size64(a), size64(b), &rest);
  return (int64_t)((a < 0) != (b < 0) ? -quotient : quotient);
}
int64_t NAME(moddi3)(int64_t a, int64_t b) {
  uint64_t rest;
  divide(size64(a), size64(b), &rest);
  return (int64_t)(a < 0 ? -rest : rest);
}
int32_t NAME(divsi3)(int32_t a, int32_t b) { return (int32_t)NAME(divdi3)(a, b); }
int32_t NAME(modsi3)(int32_t a, int32_t b) { return (int32_t)NAME(moddi3)(a, b); }

#define FRACTION ((1ull << 52) - 1)
#define NOT_A_NUMBER 0x7ff8000000000000ull
#define INFINITE 0x7ff0000000000000ull

/* `mantissa` has its leading one at bit 62 or is zero; its lowest bit says whether anything was lost. exponent: of bit 62, biased. */
static double packed(uint64_t sign, int32_t exponent, uint64_t mantissa) {
  Double out;
  if (mantissa == 0) {
    out.bits = sign;
    return out.value;
  }
  while (!(mantissa >> 62)) mantissa <<= 1, exponent--;
  if (exponent <= 0) {
    const int32_t down = 1 - exponent;
    mantissa = down > 62 ? 1 : (mantissa >> down) | ((mantissa & ((1ull << down) - 1)) != 0);
    exponent = 0;
  }
  const uint64_t low = mantissa & 1023;
  uint64_t kept = mantissa >> 10;
  if (low > 512 || (low == 512 && (kept & 1))) kept++;
  /* The leading one of `kept` adds itself to the exponent's field. */
  out.bits = (exponent > 0 ? ((uint64_t)(exponent - 1) << 52) : 0) + kept;
  if (exponent >= 2047 || out.bits >= INFINITE) out.bits = INFINITE;
  out.bits |= sign;
  return out.value;
}

typedef struct {
  uint64_t sign, mantissa;
  int32_t exponent;
  int special; /* 0 a number, 1 infinite, 2 not a number */
} Parts;

static Parts taken(double value) {
  Double in = {value};
  Parts parts = {in.bits & (1ull << 63), in.bits & FRACTION, (int32_t)((in.bits >> 52) & 2047), 0};
  if (parts.exponent == 2047) parts.special = parts.mantissa ? 2 : 1;
  else if (parts.exponent > 0) parts.mantissa |= 1ull << 52;
  else parts.exponent = 1;
  return parts;
}

static double made(uint64_t bits) { Double out; out.bits = bits; return out.value; }

double NAME(adddf3)(double x, double y) {
  Parts a = taken(x), b = taken(y);
  if (a.special == 2 || b.special == 2 || (a.special && b.special && a.sign != b.sign)) return made(NOT_A_NUMBER);
  if (a.special) return x;
  if (b.special) return y;
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) { const Parts other = a; a = b; b = other; }
  uint64_t big = a.mantissa << 9, small = b.mantissa << 9;
  const int32_t down = a.exponent - b.exponent;
  small = down > 62 ? small != 0 : (small >> down) | ((small & ((1ull << down) - 1)) != 0);
  uint64_t sum = a.sign == b.sign ? big + small : big - small;
  /* Now the leading one of `big` is at bit 61: one place of room. */
  if (sum == 0) return made(a.sign & b.sign);
  return packed(a.sign, a.exponent + 1, sum);
}
double NAME(subdf3)(double x, double y) { Double other = {y}; other.bits ^= 1ull << 63; return NAME(adddf3)(x, other.value); }

static void normal(Parts *parts) {
  while (!(parts->mantissa >> 52)) parts->mantissa <<= 1, parts->exponent--;
}

double NAME(muldf3)(double x, double y) {
  Parts a = taken(x), b = taken(y);
  const uint64_t sign = a.sign ^ b.sign;
  if (a.special == 2 || b.special == 2) return made(NOT_A_NUMBER);
  if (a.special || b.special) return (a.special || a.mantissa) && (b.special || b.mantissa) ? made(sign | INFINITE) : made(NOT_A_NUMBER);
  if (a.mantissa == 0 || b.mantissa == 0) return made(sign);
  normal(&a), normal(&b);
  const uint64_t aHigh = a.mantissa >> 32, aLow = (uint32_t)a.mantissa, bHigh = b.mantissa >> 32, bLow = (uint32_t)b.mantissa;
  const uint64_t low = NAME(muldi3)(aLow, bLow), middle = NAME(muldi3)(aHigh, bLow) + (low >> 32), middle2 = NAME(muldi3)(aLow, bHigh) + (uint32_t)middle;
  const uint64_t high = NAME(muldi3)(aHigh, bHigh) + (middle >> 32) + (middle2 >> 32), rest = (middle2 << 32) | (uint32_t)low;
  /* 105 or 106 bits: the upper 63 from bit 43 on. */
  return packed(sign, a.exponent + b.exponent - 1023 + 1, (high << 21) | (rest >> 43) | ((rest & ((1ull << 43) - 1)) != 0));
}

double NAME(divdf3)(double x, double y) {
  Parts a = taken(x), b = taken(y);
  const uint64_t sign = a.sign ^ b.sign;
  if (a.special == 2 || b.special == 2 || (a.special && b.special)) return made(NOT_A_NUMBER);
  if (a.special) return made(sign | INFINITE);
  if (b.special) return made(sign);
  if (b.mantissa == 0) return a.mantissa ? made(sign | INFINITE) : made(NOT_A_NUMBER);
  if (a.mantissa == 0) return made(sign);
  normal(&a), normal(&b);
  uint64_t quotient = 0, left = a.mantissa;
  for (int bit = 62; bit >= 0; bit--) {
    if (left >= b.mantissa) left -= b.mantissa, quotient |= 1ull << bit;
    left <<= 1;
  }
  return packed(sign, a.exponent - b.exponent + 1023, quotient | (left != 0));
}

double NAME(floatunsidf)(uint32_t value) { return packed(0, 1023 + 62, value); }
double NAME(floatsidf)(int32_t value) { return packed(value < 0 ? 1ull << 63 : 0, 1023 + 62, size64(value)); }
double NAME(floatundidf)(uint64_t value) {
  return value >> 63 ? packed(0, 1023 + 63, (value >> 1) | (value & 1)) : packed(0, 1023 + 62, value);
}
double NAME(floatdidf)(int64_t value) {
  Double out = {NAME(floatundidf)(size64(value))};
  if (value < 0) out.bits |= 1ull << 63;
  return out.value;
}

static uint64_t whole(double value) {
  const Parts parts = taken(value);
  const int32_t up = parts.exponent - 1075;
  if (parts.special || up > 11) return ~0ull;
  return up >= 0 ? parts.mantissa << up : up < -63 ? 0 : parts.mantissa >> -up;
}
uint32_t NAME(fixunsdfsi)(double value) { return (uint32_t)whole(value); }
uint64_t NAME(fixunsdfdi)(double value) { return whole(value); }
int64_t NAME(fixdfdi)(double value) { return taken(value).sign ? (int64_t)-whole(value) : (int64_t)whole(value); }
int32_t NAME(fixdfsi)(double value) { return (int32_t)NAME(fixdfdi)(value); }
