// A compiler at run time: functions written into memory and run, over and over in the same place, and constants patched
// into code that goes on being run, as a JavaScript engine's or a Java machine's inline caches are.
#include "kernel.h"

typedef u64 compiled(u64 a, u64 b, u64 rounds);

#define A0 10u
#define A1 11u
#define A2 12u
#define CODE_WORDS 65536
static u32 code[CODE_WORDS] __attribute__((aligned(4096)));

static u32 r_type(u32 funct3) { return A1 << 20 | A0 << 15 | funct3 << 12 | A0 << 7 | 0x33; }
static u32 i_type(u32 imm, u32 funct3) { return imm << 20 | A0 << 15 | funct3 << 12 | A0 << 7 | 0x13; }

// One operation on a0, and perhaps a1: add, exclusive or, or, add a constant, shift right by a constant.
static u32 operation(u64 bits) {
  u32 constant = bits >> 8 & 0x3ff;
  switch (bits & 7) {
  case 0: return r_type(0);
  case 1: return r_type(4);
  case 2: return r_type(6);
  case 3: return i_type((constant & 7) + 1, 5);
  default: return i_type(constant, 0);
  }
}

// Writes a loop over so many operations at `at`; returns how many words it takes.
static u32 compile(u32 at, u32 operations, u64 *random) {
  u32 start = at;
  for (u32 i = 0; i < operations; i++) code[at++] = operation(next_random(random));
  code[at++] = 0xfffu << 20 | A2 << 15 | A2 << 7 | 0x13;
  u32 back = (start - at) * 4;
  code[at++] = (back >> 12 & 1) << 31 | (back >> 5 & 0x3f) << 25 | A2 << 15 | 1u << 12 | (back >> 1 & 15) << 8 | (back >> 11 & 1) << 7 | 0x63;
  code[at++] = 0x8067;
  return at - start;
}

static u64 call(u32 at, u64 a, u64 b, u64 rounds) { return ((compiled *)&code[at])(a, b, rounds); }
static void fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }

u64 kernel(void) {
  u64 random = 0x2545f4914f6cdd1du, sum = 0;
  for (int generation = 0; generation < 6; generation++) {
    u32 starts[256], at = 0;
    for (int i = 0; i < 256; i++) {
      starts[i] = at;
      at += compile(at, 16 + (next_random(&random) & 63), &random);
    }
    fence_i();
    for (int i = 0; i < 1024; i++) sum = fold(sum, call(starts[i * 7 & 255], sum, random, 1500));
  }
  u32 words = compile(0, 48, &random);
  for (int i = 0; i < 3000; i++) {
    code[next_random(&random) % (words - 3)] = operation(next_random(&random));
    fence_i();
    sum = fold(sum, call(0, sum, random, 400));
  }
  return sum;
}
