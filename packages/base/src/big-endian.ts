/** The big-endian 16-bit number at `at`; bytes past the end count as zero. */
export function get16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** The big-endian 32-bit number at `at`, unsigned; bytes past the end count as zero. */
export function get32(bytes: Uint8Array, at: number): number {
  return get16(bytes, at) * 0x1_0000 + get16(bytes, at + 2)
}

/** Stores the low 16 bits of `value`, big-endian. */
export function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 8) & 0xff
  bytes[at + 1] = value & 0xff
}

/** Stores the low 32 bits of `value`, big-endian. */
export function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16)
  put16(bytes, at + 2, value & 0xffff)
}
