// Work that any number of harts share: each takes the next piece until there is none. A piece multiplies small matrices.
#include "kernel.h"

#define PIECES 1200
#define SIDE 32
#define ROUNDS 14

static u64 results[PIECES];
static u32 next_piece, finished;

static u64 piece(u32 number) {
  u32 left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];
  u64 random = number + 1, sum = number;
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) {
      left[i][j] = (u32)next_random(&random);
      right[i][j] = (u32)next_random(&random);
    }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < SIDE; i++)
      for (int j = 0; j < SIDE; j++) {
        u32 cell = 0;
        for (int k = 0; k < SIDE; k++) cell += left[i][k] * right[k][j];
        product[i][j] = cell;
      }
    for (int i = 0; i < SIDE; i++)
      for (int j = 0; j < SIDE; j++) {
        left[i][j] ^= product[j][i] >> 3;
        sum = fold(sum, product[i][j]);
      }
  }
  return sum;
}

static void work(void) {
  for (;;) {
    u32 number = __atomic_fetch_add(&next_piece, 1, __ATOMIC_RELAXED);
    if (number >= PIECES) return;
    results[number] = piece(number);
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
  }
}

// Where hart 1 begins, when hart 0 has made everything ready.
void second(void) {
  work();
  for (;;) __asm__ volatile("wfi");
}

u64 kernel(void) {
  work();
  while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < PIECES) {
  }
  u64 sum = 0;
  for (u32 i = 0; i < PIECES; i++) sum = fold(sum, results[i]);
  return sum;
}
