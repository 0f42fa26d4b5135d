// Atomics on one hart: counters by AMO, compare-and-swap by LR/SC, a ticket lock and a lock-free stack, with fences.
#include "kernel.h"

#define COUNTERS 64
#define NODES 256
#define ROUNDS 30000000

struct node {
  struct node *next;
  u64 value;
};

static u64 counters[COUNTERS];
static u32 bits, next_ticket, now_serving;
static struct node nodes[NODES], *head;

static void lock(void) {
  u32 ticket = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
  while (__atomic_load_n(&now_serving, __ATOMIC_ACQUIRE) != ticket) {
  }
}
static void unlock(void) { __atomic_store_n(&now_serving, now_serving + 1, __ATOMIC_RELEASE); }

static void push(struct node *node) {
  node->next = __atomic_load_n(&head, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&head, &node->next, node, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
  }
}
static struct node *pop(void) {
  struct node *node = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
  while (node && !__atomic_compare_exchange_n(&head, &node, node->next, 1, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
  }
  return node;
}

u64 kernel(void) {
  u64 random = 0x6a09e667f3bcc909u, sum = 0, guarded = 0;
  for (int i = 0; i < NODES; i++) push(&nodes[i]);
  for (u32 round = 0; round < ROUNDS; round++) {
    u64 r = next_random(&random);
    __atomic_fetch_add(&counters[r % COUNTERS], r >> 32, __ATOMIC_RELAXED);
    sum += __atomic_fetch_xor(&bits, (u32)r, __ATOMIC_ACQ_REL);
    lock();
    guarded += r & 7;
    unlock();
    struct node *node = pop();
    node->value += round;
    if (round & 1) {
      struct node *other = pop();
      other->value ^= r;
      push(node);
      node = other;
    }
    push(node);
    sum ^= __atomic_exchange_n(&counters[round % COUNTERS], sum, __ATOMIC_SEQ_CST);
  }
  for (int i = 0; i < COUNTERS; i++) sum = fold(sum, counters[i]);
  for (int i = 0; i < NODES; i++) sum = fold(sum, nodes[i].value);
  return fold(sum, guarded);
}
