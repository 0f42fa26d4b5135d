// Memory in order: copies, scales and sums over arrays of 256 KiB, with strides of 1, 4, 9 and 64 words.
#include "kernel.h"

#define WORDS (1 << 15)
#define ROUNDS 2500

static u64 a[WORDS], b[WORDS], c[WORDS];

u64 kernel(void) {
  static const u32 strides[] = {1, 4, 9, 64};
  u64 random = 0x2545f4914f6cdd1du, sum = 0;
  for (u32 i = 0; i < WORDS; i++) a[i] = next_random(&random);
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < WORDS; i++) b[i] = a[i];
    for (u32 i = 0; i < WORDS; i++) c[i] = b[i] * 3 + a[i];
    for (u32 s = 0; s < sizeof strides / sizeof *strides; s++) {
      u64 total = 0;
      for (u32 first = 0; first < strides[s]; first++)
        for (u32 i = first; i < WORDS; i += strides[s]) total += c[i];
      sum = fold(sum, total + s);
    }
    // Narrower accesses, as in image and network code.
    const u8 *bytes = (const u8 *)c;
    u16 *halves = (u16 *)b;
    u32 total = 0;
    for (u32 i = 0; i < WORDS; i++) {
      total += bytes[i];
      halves[i] = (u16)total;
    }
    a[sum % WORDS] = sum;
    sum = fold(sum, b[sum % WORDS]);
  }
  return sum;
}
