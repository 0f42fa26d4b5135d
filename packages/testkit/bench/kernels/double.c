// Double precision: bodies under gravitation (with square roots and divisions), and powers of an implicit matrix.
#include "kernel.h"

#define BODIES 6
#define SIDE 100

struct body {
  double x[3], v[3], mass;
};

static struct body bodies[BODIES];
static double u[SIDE], v[SIDE], w[SIDE];

// No mathematical library here: the instruction itself.
static double square_root(double value) {
  double result;
  __asm__("fsqrt.d %0, %1" : "=f"(result) : "f"(value));
  return result;
}

static void advance(double dt) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = i + 1; j < BODIES; j++) {
      double d[3], square = 0.01;
      for (int k = 0; k < 3; k++) {
        d[k] = bodies[i].x[k] - bodies[j].x[k];
        square += d[k] * d[k];
      }
      double pull = dt / (square * square_root(square));
      for (int k = 0; k < 3; k++) {
        bodies[i].v[k] -= d[k] * bodies[j].mass * pull;
        bodies[j].v[k] += d[k] * bodies[i].mass * pull;
      }
    }
  }
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) bodies[i].x[k] += dt * bodies[i].v[k];
}

// out = in times the matrix with entries 1 / (1 + i + 2 j), or its transpose.
static void multiply(const double *in, double *out, int transposed) {
  for (int i = 0; i < SIDE; i++) {
    double sum = 0;
    for (int j = 0; j < SIDE; j++) sum += in[j] / (double)(1 + (transposed ? j + 2 * i : i + 2 * j));
    out[i] = sum;
  }
}

u64 kernel(void) {
  u64 random = 0x4d595df4d0f33173u, sum = 0;
  for (int i = 0; i < BODIES; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].x[k] = (double)(i64)next_random(&random) * 0x1p-62;
      bodies[i].v[k] = (double)(i64)next_random(&random) * 0x1p-66;
    }
    bodies[i].mass = 0.1 + (double)(next_random(&random) >> 40) * 0x1p-26;
  }
  for (int i = 0; i < SIDE; i++) u[i] = 1;
  for (int round = 0; round < 200; round++) {
    for (int step = 0; step < 1500; step++) advance(0.0005);
    for (int step = 0; step < 8; step++) {
      multiply(u, v, 0);
      multiply(v, w, 1);
      double most = 0;
      for (int i = 0; i < SIDE; i++) most = w[i] > most ? w[i] : most;
      for (int i = 0; i < SIDE; i++) u[i] = w[i] / most;
    }
    for (int i = 0; i < BODIES; i++) sum = fold(sum, double_bits(bodies[i].x[i % 3]));
    sum = fold(sum, double_bits(u[SIDE - 1]));
  }
  return sum;
}
