/* A program with a variable of most kinds, a list, recursion, and a function that is put into another. */
volatile unsigned long tohost __attribute__((section(".data")));
volatile unsigned long fromhost __attribute__((section(".data")));

enum colour { RED, GREEN = 5, BLUE };
typedef struct point {
  int x, y;
} point;
struct node {
  struct node *next;
  char name[12];
  point where;
  enum colour colour;
  unsigned flag : 3;
  int bits : 5;
  union {
    long whole;
    double real;
  };
};

static struct node pool[4];
volatile int picked;
const char *greeting = "hello, \"orchard\"\n";
double ratio = 1.5;

static inline int twice(int v) {
  int doubled = v * 2;
  picked += doubled;
  return doubled;
}

__attribute__((noinline)) int climb(int n) {
  if (n < 2)
    return n;
  int left = climb(n - 1);
  int right = climb(n - 2);
  return left + right;
}

__attribute__((noinline)) struct node *push(struct node *list, int v) {
  struct node *fresh = &pool[v & 3];
  fresh->next = list;
  fresh->where.x = twice(v);
  fresh->where.y = -v;
  fresh->colour = v == 2 ? GREEN : BLUE;
  fresh->flag = v;
  fresh->bits = -v;
  fresh->real = v * ratio;
  for (int i = 0; i < 3; i++) {
    char letter = 'a' + i;
    fresh->name[i] = letter;
  }
  picked += 1;
  return fresh;
}

__attribute__((noinline)) long weigh(const struct node *list, unsigned char factor, float share) {
  long sum = 0;
  while (list) {
    sum += list->where.x * factor;
    list = list->next;
  }
  return sum * (share > 0.25f);
}

int main(void) {
  struct node *list = 0;
  for (int v = 0; v < 4; v++)
    list = push(list, v);
  int top = climb(6);
  long weight = weigh(list, 3, 0.5f);
  return top + weight == 44 ? 0 : 1;
}

unsigned char stack[8192] __attribute__((aligned(16)));
__attribute__((naked)) void _start(void) {
  __asm__("li t0, 0x6000\n csrs mstatus, t0\n la sp, stack + 8192\n call main\n"
          "slli a0, a0, 1\n ori a0, a0, 1\n la t0, tohost\n sd a0, 0(t0)\n1: j 1b");
}
