/*
 * Two harts take numbered tickets, and each believes that every ticket it took is its own. `claim` has a race: between
 * reading `next` and writing it, the other hart may have read the same number. At the end hart 0 checks all of them.
 */
enum { HARTS = 2, TICKETS = 40, STACK_BYTES = 4096 };

/* How a bare-metal program ends (Berkeley host-target interface): 1 is success, an odd number above it a failure. */
volatile unsigned long tohost __attribute__((aligned(64)));
volatile unsigned long fromhost;

volatile int next;
/* Whose each ticket is: the hart in the hundreds, its how manyth below. */
volatile int owner[HARTS * TICKETS];
int mine[HARTS][TICKETS];
int finished;

static int name(int hart, int n) {
  return 100 * (hart + 1) + n;
}

__attribute__((noinline)) int claim(int hart, int n) {
  int ticket = next;
  owner[ticket] = name(hart, n);
  next = ticket + 1;
  return ticket;
}

/* What a hart does with a ticket: some arithmetic. */
__attribute__((noinline)) unsigned work(unsigned seed) {
  for (int i = 0; i < 100; i++)
    seed = seed * 1664525 + 1013904223;
  return seed;
}

__attribute__((noinline)) void lost(int ticket) {
  tohost = 2 * (ticket + 1) + 1;
  for (;;)
    ;
}

void run(int hart) {
  for (int n = 0; n < TICKETS; n++) {
    mine[hart][n] = claim(hart, n);
    work(n);
  }
  __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
  while (hart != 0)
    ;
  while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < HARTS)
    ;
  for (int other = 0; other < HARTS; other++)
    for (int n = 0; n < TICKETS; n++)
      if (owner[mine[other][n]] != name(other, n))
        lost(mine[other][n]);
  tohost = 1;
  for (;;)
    ;
}

unsigned char stacks[HARTS][STACK_BYTES] __attribute__((aligned(16)));
/* All harts enter here, with their numbers in a0. */
__attribute__((naked)) void _start(void) {
  __asm__("la sp, stacks + 4096\n slli t0, a0, 12\n add sp, sp, t0\n j run");
}
