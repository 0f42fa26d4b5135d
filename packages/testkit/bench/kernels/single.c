// Single precision: a Fourier transform in place (Cooley and Tukey, radix 2) and a cascade of recursive filters.
#include "kernel.h"

#define POINTS 1024
#define SECTIONS 4

struct complex {
  float re, im;
};
struct section {
  float b0, b1, b2, a1, a2, z1, z2;
};

static struct complex signal[POINTS], roots[POINTS / 2];
static struct section sections[SECTIONS];

static void transform(struct complex *x, float sign) {
  for (u32 i = 1, j = 0; i < POINTS; i++) {
    u32 bit = POINTS / 2;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      struct complex other = x[i];
      x[i] = x[j];
      x[j] = other;
    }
  }
  for (u32 half = 1; half < POINTS; half *= 2) {
    for (u32 first = 0; first < POINTS; first += 2 * half) {
      for (u32 k = 0; k < half; k++) {
        struct complex r = roots[k * (POINTS / 2 / half)], *a = &x[first + k], *b = a + half;
        float re = b->re * r.re - b->im * r.im * sign, im = b->re * r.im * sign + b->im * r.re;
        b->re = a->re - re;
        b->im = a->im - im;
        a->re += re;
        a->im += im;
      }
    }
  }
}

// The direct form II, transposed.
static float filter(float in) {
  for (int i = 0; i < SECTIONS; i++) {
    struct section *s = &sections[i];
    float out = s->b0 * in + s->z1;
    s->z1 = s->b1 * in - s->a1 * out + s->z2;
    s->z2 = s->b2 * in - s->a2 * out;
    in = out;
  }
  return in;
}

u64 kernel(void) {
  u64 random = 0xb5ad4eceda1ce2a9u, sum = 0;
  // The roots of unity by rotation, in double precision so that the error stays below a float's.
  double re = 1, im = 0, step_re = 0.99998117528260111, step_im = -0.00613588464915447536;
  for (int i = 0; i < POINTS / 2; i++) {
    roots[i] = (struct complex){(float)re, (float)im};
    double next = re * step_re - im * step_im;
    im = re * step_im + im * step_re;
    re = next;
  }
  for (int i = 0; i < POINTS; i++) signal[i] = (struct complex){(float)(i64)next_random(&random) * 0x1p-63f, 0};
  for (int i = 0; i < SECTIONS; i++)
    sections[i] = (struct section){0.2f, 0.4f - 0.01f * (float)i, 0.2f, -0.5f + 0.05f * (float)i, 0.25f, 0, 0};
  for (int round = 0; round < 700; round++) {
    transform(signal, 1);
    for (int i = 0; i < POINTS; i++) signal[i].re *= 1.0f / POINTS, signal[i].im *= 1.0f / POINTS;
    transform(signal, -1);
    for (int i = 0; i < POINTS; i++) signal[i].re = 0.5f * signal[i].re + 0.25f * filter(signal[i].re);
    for (int i = 0; i < POINTS; i += 61) sum = fold(sum, double_bits((double)signal[i].re));
    signal[round].re += 1;
  }
  return sum;
}
