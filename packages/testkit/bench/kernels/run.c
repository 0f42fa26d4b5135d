// Runs the kernel, prints its checksum on the UART and turns the machine off.
#include "kernel.h"

#define UART ((volatile u8 *)0x10000000)
#define UART_LINE_STATUS 5
#define UART_TRANSMITTER_EMPTY 0x20
#define FINISHER ((volatile u32 *)0x100000)
#define FINISHER_PASS 0x5555

static void put(char c) {
  while (!(UART[UART_LINE_STATUS] & UART_TRANSMITTER_EMPTY)) {
  }
  UART[0] = (u8)c;
}

void run(void) {
  u64 sum = kernel();
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[(sum >> shift) & 15]);
  put('\n');
  *FINISHER = FINISHER_PASS;
  for (;;) __asm__ volatile("wfi");
}

// The compiler may call these for structures, even in freestanding code.
void *memset(void *to, int byte, u64 length) {
  u8 *out = to;
  while (length--) *out++ = (u8)byte;
  return to;
}

void *memcpy(void *to, const void *from, u64 length) {
  u8 *out = to;
  const u8 *in = from;
  while (length--) *out++ = *in++;
  return to;
}
