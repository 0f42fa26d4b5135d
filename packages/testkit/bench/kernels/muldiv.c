// 64-bit multiplication and division: powers modulo a prime through 128-bit products, decimal digits, common divisors.
#include "kernel.h"

#define MERSENNE_61 ((1UL << 61) - 1)

static u64 multiply_modulo(u64 a, u64 b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  u64 low = (u64)product & MERSENNE_61, high = (u64)(product >> 61), sum = low + high;
  return sum >= MERSENNE_61 ? sum - MERSENNE_61 : sum;
}

static u64 power(u64 base, u64 exponent) {
  u64 result = 1;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result = multiply_modulo(result, base);
    base = multiply_modulo(base, base);
  }
  return result;
}

static u64 greatest_common_divisor(u64 a, u64 b) {
  while (b) {
    u64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// The digits' sum; the base is not known to the compiler, so each takes a division.
static u64 digits(u64 value, u64 base) {
  u64 sum = 0;
  for (; value; value /= base) sum += value % base;
  return sum;
}

u64 kernel(void) {
  static volatile u64 base = 10;
  u64 random = 0x1234567890abcdefu, sum = 0;
  for (int round = 0; round < 1500000; round++) {
    u64 a = next_random(&random), b = next_random(&random) | 1;
    sum = fold(sum, power(a % MERSENNE_61, b));
    sum = fold(sum, greatest_common_divisor(a, b));
    sum = fold(sum, digits(a, base));
    i64 negative = (i64)a / (i64)(b >> 40 | 1), rest = (i32)a % (i32)(b >> 50 | 1);
    sum = fold(sum, (u64)(negative ^ rest));
  }
  return sum;
}
