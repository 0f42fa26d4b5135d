/*
 * Floating-point judge: does on the host's own SSE unit what a request asks and prints result and exceptions.
 *
 * Standard input is records of 32 bytes, little-endian: u8 operation, u8 format (0 binary32, 1 binary64), u8 rounding
 * (RISC-V rm: RNE 0, RTZ 1, RDN 2, RUP 3), 5 bytes zero, u64 a, u64 b, u64 c. Standard output is records of 16 bytes:
 * u64 result, u32 flags (RISC-V fflags bits), u32 zero. Operations are numbered by the switch below.
 *
 * Build: gcc -O1 -frounding-math -fno-builtin -ffp-contract=off [-mfma] float-oracle.c -lm
 */
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#pragma STDC FENV_ACCESS ON

struct request { uint8_t operation, format, rounding, zero[5]; uint64_t a, b, c; };
struct reply { uint64_t result; uint32_t flags, zero; };

static float f32(uint64_t bits) { uint32_t low = (uint32_t)bits; float f; memcpy(&f, &low, 4); return f; }
static double f64(uint64_t bits) { double d; memcpy(&d, &bits, 8); return d; }
static uint64_t of32(float f) { uint32_t low; memcpy(&low, &f, 4); return low; }
static uint64_t of64(double d) { uint64_t bits; memcpy(&bits, &d, 8); return bits; }

static __attribute__((noinline)) float fused32(float a, float b, float c) {
#ifdef __FMA__
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
#else
  return fmaf(a, b, c);
#endif
}

static __attribute__((noinline)) double fused64(double a, double b, double c) {
#ifdef __FMA__
  return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c)));
#else
  return fma(a, b, c);
#endif
}

static __attribute__((noinline)) uint64_t run32(int operation, float a, float b, float c, uint64_t bits) {
  switch (operation) {
    case 0: return of32(a + b);
    case 1: return of32(a - b);
    case 2: return of32(a * b);
    case 3: return of32(a / b);
    case 4: return of32(_mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))));
    case 5: return of32(fused32(a, b, c));
    case 6: return a == b;
    case 7: return a < b;
    case 8: return a <= b;
    case 9: return of64(_mm_cvtsd_f64(_mm_cvtss_sd(_mm_setzero_pd(), _mm_set_ss(a))));
    case 10: return (uint32_t)_mm_cvtss_si32(_mm_set_ss(a));
    case 11: return (uint64_t)_mm_cvtss_si64(_mm_set_ss(a));
    case 12: return of32(_mm_cvtss_f32(_mm_cvtsi32_ss(_mm_setzero_ps(), (int32_t)bits)));
    case 13: return of32(_mm_cvtss_f32(_mm_cvtsi64_ss(_mm_setzero_ps(), (int64_t)bits)));
  }
  return 0;
}

static __attribute__((noinline)) uint64_t run64(int operation, double a, double b, double c, uint64_t bits) {
  switch (operation) {
    case 0: return of64(a + b);
    case 1: return of64(a - b);
    case 2: return of64(a * b);
    case 3: return of64(a / b);
    case 4: return of64(_mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(a))));
    case 5: return of64(fused64(a, b, c));
    case 6: return a == b;
    case 7: return a < b;
    case 8: return a <= b;
    case 9: return of32(_mm_cvtss_f32(_mm_cvtsd_ss(_mm_setzero_ps(), _mm_set_sd(a))));
    case 10: return (uint32_t)_mm_cvtsd_si32(_mm_set_sd(a));
    case 11: return (uint64_t)_mm_cvtsd_si64(_mm_set_sd(a));
    case 12: return of64(_mm_cvtsd_f64(_mm_cvtsi32_sd(_mm_setzero_pd(), (int32_t)bits)));
    case 13: return of64(_mm_cvtsd_f64(_mm_cvtsi64_sd(_mm_setzero_pd(), (int64_t)bits)));
  }
  return 0;
}

int main(void) {
  static const int direction[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };
  struct request q;
  while (fread(&q, sizeof q, 1, stdin) == 1) {
    struct reply r = { 0, 0, 0 };
    fesetround(direction[q.rounding & 3]);
    feclearexcept(FE_ALL_EXCEPT);
    r.result = q.format ? run64(q.operation, f64(q.a), f64(q.b), f64(q.c), q.a)
                        : run32(q.operation, f32(q.a), f32(q.b), f32(q.c), q.a);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    r.flags = (raised & FE_INEXACT ? 1 : 0) | (raised & FE_UNDERFLOW ? 2 : 0) | (raised & FE_OVERFLOW ? 4 : 0) |
              (raised & FE_DIVBYZERO ? 8 : 0) | (raised & FE_INVALID ? 16 : 0);
    fesetround(FE_TONEAREST);
    if (fwrite(&r, sizeof r, 1, stdout) != 1) return 1;
  }
  return 0;
}
