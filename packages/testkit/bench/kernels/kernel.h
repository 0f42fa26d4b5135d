// What every kernel shares. A kernel defines `kernel`, which does its work and returns a checksum of the results.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int i32;
typedef long i64;

u64 kernel(void);

// Marsaglia's 64-bit xorshift (2003), so that data are the same everywhere and unknown to the compiler.
static inline u64 next_random(u64 *state) {
  u64 x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

// Folds a value into a checksum; the order matters.
static inline u64 fold(u64 sum, u64 value) { return (sum ^ value) * 0x9e3779b97f4a7c15u + (sum >> 29); }

static inline u64 double_bits(double value) {
  union {
    double value;
    u64 bits;
  } both = {value};
  return both.bits;
}
