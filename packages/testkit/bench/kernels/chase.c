// Pointer chasing: one random cycle through 8 MiB (2048 pages, a node in each 64 bytes), then one through 256 KiB.
#include "kernel.h"

#define NODES (8 << 20 >> 6)
#define FEW (256 << 10 >> 6)

struct node {
  struct node *next;
  u64 value;
  u64 padding[6];
};

static struct node nodes[NODES];
static u32 order[NODES];

// Links the first `count` nodes into one cycle, in random order (Durstenfeld's shuffle).
static void link_nodes(u32 count, u64 *random) {
  for (u32 i = 0; i < count; i++) order[i] = i;
  for (u32 i = count - 1; i > 0; i--) {
    u32 j = (u32)(next_random(random) % (i + 1)), other = order[j];
    order[j] = order[i];
    order[i] = other;
  }
  for (u32 i = 0; i < count; i++) {
    nodes[order[i]].next = &nodes[order[(i + 1) % count]];
    nodes[order[i]].value = next_random(random);
  }
}

// What a kernel's context switches do now and then. It also lets an emulator whose TLB grows at flushes grow it.
static void flush_translations(void) {
  __asm__ volatile("sfence.vma" ::: "memory");
}

static u64 walk(u32 steps) {
  u64 sum = 0;
  struct node *at = nodes;
  for (u32 i = 0; i < steps; i++) {
    sum += at->value ^ i;
    at = at->next;
  }
  return fold(sum, (u64)(at - nodes));
}

u64 kernel(void) {
  u64 random = 0x9e3779b97f4a7c15u, sum = 0;
  link_nodes(NODES, &random);
  for (int round = 0; round < 20; round++) {
    flush_translations();
    sum = fold(sum, walk(500000));
  }
  link_nodes(FEW, &random);
  for (int round = 0; round < 20; round++) {
    flush_translations();
    sum = fold(sum, walk(6000000));
  }
  return sum;
}
