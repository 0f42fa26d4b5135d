// An interpreter: a stack machine made of a loop and a switch counts primes with a sieve and steps of Collatz sequences.
#include "kernel.h"

enum operation { HALT, PUSH, LOAD, STORE, FETCH, PUT, ADD, MULTIPLY, HALVE, ODD, LESS, NOT, JUMP, UNLESS, DUP };

#define CELLS 8192
#define ROUNDS 110

struct program {
  i32 code[128];
  i32 length;
};

static i64 cells[CELLS];

static void emit(struct program *p, enum operation operation) { p->code[p->length++] = operation; }
static void emit_with(struct program *p, enum operation operation, i32 operand) {
  emit(p, operation);
  p->code[p->length++] = operand;
}
// A jump forward; its operand is set when the place is known.
static i32 *emit_jump(struct program *p, enum operation operation) {
  emit_with(p, operation, 0);
  return &p->code[p->length - 1];
}

static __attribute__((noinline)) i64 interpret(const i32 *code) {
  i64 locals[4] = {0}, stack[16], *top = stack;
  for (const i32 *at = code;;) {
    switch ((enum operation)*at++) {
    case HALT: return *top;
    case PUSH: *++top = *at++; break;
    case LOAD: *++top = locals[*at++]; break;
    case STORE: locals[*at++] = *top--; break;
    case FETCH: *top = cells[*top]; break;
    case PUT: cells[top[-1]] = *top; top -= 2; break;
    case ADD: top--; *top += top[1]; break;
    case MULTIPLY: top--; *top *= top[1]; break;
    case HALVE: *top /= 2; break;
    case ODD: *top &= 1; break;
    case LESS: top--; *top = *top < top[1]; break;
    case NOT: *top = !*top; break;
    case JUMP: at = code + *at; break;
    case UNLESS: at = *top-- ? at + 1 : code + *at; break;
    case DUP: top++; *top = top[-1]; break;
    }
  }
}

// for (n = 2; n < limit; n++) if (!cells[n]) { count++; for (m = n + n; m < limit; m += n) cells[m] = 1; }
static void write_sieve(struct program *p, i32 limit) {
  enum { N, M, COUNT };
  emit_with(p, PUSH, 2), emit_with(p, STORE, N);
  i32 outer = p->length;
  emit_with(p, LOAD, N), emit_with(p, PUSH, limit), emit(p, LESS);
  i32 *end = emit_jump(p, UNLESS);
  emit_with(p, LOAD, N), emit(p, FETCH), emit(p, NOT);
  i32 *composite = emit_jump(p, UNLESS);
  emit_with(p, LOAD, COUNT), emit_with(p, PUSH, 1), emit(p, ADD), emit_with(p, STORE, COUNT);
  emit_with(p, LOAD, N), emit(p, DUP), emit(p, ADD), emit_with(p, STORE, M);
  i32 inner = p->length;
  emit_with(p, LOAD, M), emit_with(p, PUSH, limit), emit(p, LESS);
  i32 *done = emit_jump(p, UNLESS);
  emit_with(p, LOAD, M), emit_with(p, PUSH, 1), emit(p, PUT);
  emit_with(p, LOAD, M), emit_with(p, LOAD, N), emit(p, ADD), emit_with(p, STORE, M);
  emit_with(p, JUMP, inner);
  *composite = *done = p->length;
  emit_with(p, LOAD, N), emit_with(p, PUSH, 1), emit(p, ADD), emit_with(p, STORE, N);
  emit_with(p, JUMP, outer);
  *end = p->length;
  emit_with(p, LOAD, COUNT), emit(p, HALT);
}

// for (n = 1; n < limit; n++) for (m = n; 1 < m; steps++) m = m odd ? 3 * m + 1 : m / 2;
static void write_collatz(struct program *p, i32 limit) {
  enum { N, M, STEPS };
  emit_with(p, PUSH, 1), emit_with(p, STORE, N);
  i32 outer = p->length;
  emit_with(p, LOAD, N), emit_with(p, PUSH, limit), emit(p, LESS);
  i32 *end = emit_jump(p, UNLESS);
  emit_with(p, LOAD, N), emit_with(p, STORE, M);
  i32 inner = p->length;
  emit_with(p, PUSH, 1), emit_with(p, LOAD, M), emit(p, LESS);
  i32 *done = emit_jump(p, UNLESS);
  emit_with(p, LOAD, M), emit(p, ODD);
  i32 *even = emit_jump(p, UNLESS);
  emit_with(p, LOAD, M), emit_with(p, PUSH, 3), emit(p, MULTIPLY), emit_with(p, PUSH, 1), emit(p, ADD);
  i32 *next = emit_jump(p, JUMP);
  *even = p->length;
  emit_with(p, LOAD, M), emit(p, HALVE);
  *next = p->length;
  emit_with(p, STORE, M);
  emit_with(p, LOAD, STEPS), emit_with(p, PUSH, 1), emit(p, ADD), emit_with(p, STORE, STEPS);
  emit_with(p, JUMP, inner);
  *done = p->length;
  emit_with(p, LOAD, N), emit_with(p, PUSH, 1), emit(p, ADD), emit_with(p, STORE, N);
  emit_with(p, JUMP, outer);
  *end = p->length;
  emit_with(p, LOAD, STEPS), emit(p, HALT);
}

u64 kernel(void) {
  static struct program sieve, collatz;
  u64 sum = 0;
  write_sieve(&sieve, CELLS);
  write_collatz(&collatz, 400);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CELLS; i++) cells[i] = 0;
    sum = fold(sum, (u64)interpret(sieve.code));
    sum = fold(sum, (u64)interpret(collatz.code));
  }
  return sum;
}
