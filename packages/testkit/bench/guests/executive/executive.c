/* A real-time executive for QEMU's virt board, M-mode: periodic tasks with fixed priorities, the shortest period first
 * (rate monotonic: Liu and Layland, 1973). A release preempts whatever has a longer period; each task runs to its end on
 * the one stack. On the UART, `r` asks for a report of what was since the last one, `q` for one and for power off. */
typedef unsigned long u64;
typedef unsigned char u8;

#define UART ((volatile u8 *)0x10000000)
#define FINISHER (*(volatile unsigned *)0x100000)
#define MTIMECMP (*(volatile u64 *)0x2004000)
#define MTIME (*(volatile u64 *)0x200bff8)
#define TICKS_PER_US 10
#define MIE 8ul
#define MTIE 128ul
#define BUCKETS 24

struct task {
  u64 period; /* us; also the deadline */
  void (*run)(void);
  u64 next, released, missed, worst; /* ticks, and counts; worst: from when it was due to when it was seen */
  u64 late[BUCKETS];                 /* bucket n: less than 2^n us */
};

static void control(void), filter(void), console(void);
static struct task tasks[] = {{.period = 1000, .run = control}, {.period = 5000, .run = filter}, {.period = 20000, .run = console}};
#define TASKS (sizeof tasks / sizeof *tasks)
static unsigned pending;
static unsigned running = TASKS; /* the index of the task that runs; TASKS when none does */
static u64 preemptions;
static volatile u64 plant, state;
static u8 samples[1024];
static volatile unsigned sum;
static volatile int wanted;

static void put(char c) {
  while (!(UART[5] & 0x20)) {}
  UART[0] = c;
}
static void text(const char *s) {
  while (*s) put(*s++);
}
static void number(u64 n) {
  char digits[20];
  int i = 0;
  do digits[i++] = '0' + n % 10; while (n /= 10);
  while (i) put(digits[--i]);
}

static void control(void) {
  plant = plant * 6364136223846793005ul + 1442695040888963407ul;
  state += plant >> 60;
}
static void filter(void) {
  unsigned crc = ~0u;
  for (unsigned i = 0; i < sizeof samples; i++) {
    samples[i] += i;
    crc ^= samples[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (-(crc & 1) & 0xedb88320u);
  }
  sum ^= crc;
}
/* The longest by far, to be preempted. */
static void console(void) {
  for (int i = 0; i < 16; i++) filter();
  if (UART[5] & 1) wanted = UART[0];
}

static void release(u64 now) {
  u64 first = ~0ul;
  for (unsigned i = 0; i < TASKS; i++) {
    struct task *t = &tasks[i];
    if (t->next <= now) {
      u64 late = now - t->next, us = late / TICKS_PER_US;
      unsigned bucket = 0;
      while (bucket < BUCKETS - 1 && us >> bucket) bucket++;
      t->late[bucket]++;
      if (late > t->worst) t->worst = late;
      t->released++;
      if (pending >> i & 1) t->missed++;
      pending |= 1u << i;
      t->next += t->period * TICKS_PER_US;
      while (t->next <= now) t->missed++, t->next += t->period * TICKS_PER_US;
    }
    if (t->next < first) first = t->next;
  }
  MTIMECMP = first;
}

__attribute__((interrupt("machine"), aligned(4))) void on_timer(void) {
  u64 epc, status;
  asm volatile("csrr %0, mepc\n csrr %1, mstatus" : "=r"(epc), "=r"(status));
  release(MTIME);
  unsigned before = running;
  for (unsigned i = 0; i < before; i++) {
    if (!(pending >> i & 1)) continue;
    if (before < TASKS) preemptions++;
    pending &= ~(1u << i);
    running = i;
    asm volatile("csrs mstatus, %0" ::"r"(MIE) : "memory");
    tasks[i].run();
    asm volatile("csrc mstatus, %0" ::"r"(MIE) : "memory");
    i = -1u; /* what became pending meanwhile, from the highest priority again */
  }
  running = before;
  asm volatile("csrw mepc, %0\n csrw mstatus, %1" ::"r"(epc), "r"(status));
}

static void report(void) {
  for (unsigned i = 0; i < TASKS; i++) {
    struct task *t = &tasks[i];
    text("task "), number(t->period), text(" us: released "), number(t->released);
    text(" missed "), number(t->missed), text(" worst "), number(t->worst / TICKS_PER_US), text(" us late");
    for (unsigned b = 0; b < BUCKETS; b++) put(b ? ',' : ' '), number(t->late[b]);
    text("\r\n");
    asm volatile("csrc mstatus, %0" ::"r"(MIE) : "memory");
    t->released = t->missed = t->worst = 0;
    for (unsigned b = 0; b < BUCKETS; b++) t->late[b] = 0;
    asm volatile("csrs mstatus, %0" ::"r"(MIE) : "memory");
  }
  text("preempted "), number(preemptions), text("\r\n");
  preemptions = 0;
}

void main(void) {
  asm volatile("csrw mtvec, %0" ::"r"(on_timer));
  u64 now = MTIME;
  for (unsigned i = 0; i < TASKS; i++) tasks[i].next = now + tasks[i].period * TICKS_PER_US;
  MTIMECMP = tasks[0].next;
  text("executive\r\n");
  asm volatile("csrs mie, %0\n csrs mstatus, %1" ::"r"(MTIE), "r"(MIE));
  for (;;) {
    asm volatile("wfi");
    int asked = wanted;
    if (!asked) continue;
    wanted = 0;
    report();
    if (asked == 'q') FINISHER = 0x5555;
  }
}
