/**
 * The ones' complement sum of `bytes` as big-endian 16-bit words, an odd last byte padded with zero, added to `sum`; not
 * folded. Runs of up to 2^37 bytes stay exact. RFC 1071 §1.
 */
export function internetSum(bytes: Uint8Array, sum = 0): number {
  const even = bytes.length & ~1
  // Four words a turn: a segment of 64 KiB is summed for every frame that leaves without hardware to do it.
  const fast = even & ~7
  let at = 0
  let total = 0
  for (; at < fast; at += 8) {
    total +=
      ((byteAt(bytes, at) + byteAt(bytes, at + 2) + byteAt(bytes, at + 4) + byteAt(bytes, at + 6)) << 8) +
      byteAt(bytes, at + 1) +
      byteAt(bytes, at + 3) +
      byteAt(bytes, at + 5) +
      byteAt(bytes, at + 7)
  }
  for (; at < even; at += 2) total += (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1)
  if (at < bytes.length) total += byteAt(bytes, at) << 8
  return sum + total
}

/** A sum folded into 16 bits; its complement is what a header carries. */
export function foldSum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000)
  return folded
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
