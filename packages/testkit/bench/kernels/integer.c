// The integer work of small devices: a CRC, a hash, a matrix product of 16-bit numbers and a state machine over text.
#include "kernel.h"

#define BYTES 4096
#define SIDE 24
#define ROUNDS 5000

static u8 text[BYTES];
static i32 left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];

static u32 crc32(const u8 *data, u32 length) {
  static const u32 nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                  0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                  0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  u32 crc = ~0u;
  for (u32 i = 0; i < length; i++) {
    crc = nibbles[(crc ^ data[i]) & 15] ^ crc >> 4;
    crc = nibbles[(crc ^ data[i] >> 4) & 15] ^ crc >> 4;
  }
  return ~crc;
}

// Fowler, Noll and Vo's hash 1a.
static u64 hash(const u8 *data, u32 length) {
  u64 h = 0xcbf29ce484222325u;
  for (u32 i = 0; i < length; i++) h = (h ^ data[i]) * 0x100000001b3u;
  return h;
}

static u32 multiply(void) {
  u32 trace = 0;
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      i32 sum = 0;
      for (int k = 0; k < SIDE; k++) sum += (short)left[i][k] * (short)right[k][j];
      product[i][j] = sum >> 3;
    }
    trace += (u32)product[i][i];
  }
  left[trace % SIDE][trace / SIDE % SIDE] ^= (i32)(trace & 0x7f);
  return trace;
}

// Counts the decimal and hexadecimal numbers and the words in the text, and adds up the numbers.
static u64 scan(const u8 *data, u32 length) {
  enum { BETWEEN, WORD, ZERO, DECIMAL, HEXADECIMAL } state = BETWEEN;
  u64 value = 0, total = 0, words = 0, numbers = 0;
  for (u32 i = 0; i < length; i++) {
    u8 c = data[i];
    int digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    switch (state) {
    case BETWEEN:
      value = c - '0';
      if (c == '0') state = ZERO;
      else if (digit) state = DECIMAL;
      else if (letter) state = WORD;
      break;
    case ZERO:
      if (c == 'x') {
        value = 0;
        state = HEXADECIMAL;
        break;
      }
      state = DECIMAL;
      // fall through
    case DECIMAL:
      if (digit) value = value * 10 + (c - '0');
      else {
        total += value;
        numbers++;
        state = letter ? WORD : BETWEEN;
      }
      break;
    case HEXADECIMAL:
      if (digit) value = value * 16 + (c - '0');
      else if (letter && (c | 32) <= 'f') value = value * 16 + ((c | 32) - 'a' + 10);
      else {
        total ^= value;
        numbers++;
        state = BETWEEN;
      }
      break;
    case WORD:
      if (!letter && !digit) {
        words++;
        state = BETWEEN;
      }
    }
  }
  return total + (words << 20) + (numbers << 40);
}

u64 kernel(void) {
  static const u8 alphabet[] = "0123456789 0x1f ab,cd ef0 xyz 77;  ";
  u64 random = 88172645463325252u, sum = 0;
  for (int i = 0; i < BYTES; i++) text[i] = alphabet[next_random(&random) % (sizeof alphabet - 1)];
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) {
      left[i][j] = (i32)(next_random(&random) & 0xfff) - 0x800;
      right[i][j] = (i32)(next_random(&random) & 0xfff) - 0x800;
    }
  for (int round = 0; round < ROUNDS; round++) {
    sum = fold(sum, crc32(text, BYTES));
    sum = fold(sum, hash(text, BYTES));
    sum = fold(sum, multiply());
    sum = fold(sum, scan(text, BYTES));
    text[sum % BYTES] = alphabet[(sum >> 32) % (sizeof alphabet - 1)];
  }
  return sum;
}
