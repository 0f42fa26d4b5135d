// Calls: two recursions, functions through a table, and methods of objects through their class's table.
#include "kernel.h"

static __attribute__((noinline)) u64 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

// Takeuchi's function.
static __attribute__((noinline)) i32 tak(i32 x, i32 y, i32 z) {
  return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

typedef u64 operation(u64 a, u64 b);
static u64 add(u64 a, u64 b) { return a + b; }
static u64 subtract(u64 a, u64 b) { return a - b; }
static u64 mix(u64 a, u64 b) { return (a ^ b) * 5; }
static u64 rotate(u64 a, u64 b) { return a << (b & 31) | a >> (-b & 31); }
static u64 smaller(u64 a, u64 b) { return a < b ? a : b; }
static u64 middle(u64 a, u64 b) { return (a >> 1) + (b >> 1); }
static u64 either(u64 a, u64 b) { return a | b; }
static u64 swap_halves(u64 a, u64 b) { return a >> 32 | b << 32; }
static operation *const operations[8] = {add, subtract, mix, rotate, smaller, middle, either, swap_halves};

struct shape;
struct shape_class {
  u64 (*area)(const struct shape *);
  u64 (*border)(const struct shape *);
};
struct shape {
  const struct shape_class *class;
  u64 width, height;
};
static u64 box_area(const struct shape *s) { return s->width * s->height; }
static u64 box_border(const struct shape *s) { return 2 * (s->width + s->height); }
static u64 wedge_area(const struct shape *s) { return s->width * s->height / 2; }
static u64 wedge_border(const struct shape *s) { return s->width + s->height + (s->width > s->height ? s->width : s->height); }
static const struct shape_class box = {box_area, box_border}, wedge = {wedge_area, wedge_border};

#define SHAPES 64
static struct shape shapes[SHAPES];

u64 kernel(void) {
  u64 random = 0x853c49e6748fea9bu, sum = 0;
  for (int i = 0; i < SHAPES; i++) {
    u64 bits = next_random(&random);
    shapes[i] = (struct shape){bits & 1 ? &box : &wedge, bits >> 8 & 0xff, bits >> 16 & 0xff};
  }
  for (int round = 0; round < 16; round++) {
    sum = fold(sum, fibonacci(28));
    sum = fold(sum, (u64)tak(18, 12, 6 + round % 2));
    u64 a = sum;
    for (int i = 0; i < 1500000; i++) a = operations[(a ^ (u64)i) & 7](a + 1, (u64)i);
    sum = fold(sum, a);
    for (int i = 0; i < 12000; i++)
      for (int s = 0; s < SHAPES; s++) {
        const struct shape *shape = &shapes[s];
        a += i & 1 ? shape->class->area(shape) : shape->class->border(shape);
      }
    sum = fold(sum, a);
  }
  return sum;
}
