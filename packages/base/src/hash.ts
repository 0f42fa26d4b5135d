const PRIME = 0x01000193
const START = [0x811c9dc5 | 0, 0x2f0b4c47 | 0] as const

/**
 * A 64-bit hash, as two words, of words (or bytes, taken for words): FNV-1a (Fowler, Noll and Vo), the second word over the
 * first's course. It tells damage and difference, not malice. `start` may be the hash of what came before.
 */
export function hashWords(
  words: Int32Array | Uint8Array,
  start: readonly [number, number] = START,
): readonly [number, number] {
  // In variables of its own: files are hashed while a machine waits, by code that nothing has warmed.
  let [a, b] = start
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    // A product hands bits up only: the high ones are brought down.
    a = Math.imul(a ^ word, PRIME)
    a ^= a >>> 15
    b = Math.imul(b ^ word ^ (a >>> 24), PRIME)
  }
  return [a, b]
}
