/** Sets while they are interpreted: 32 bytes, element e in bit e. Small sets use the first eight. */
export type BitSet = Uint8Array

const SET_BYTES = 32
const SMALL_BYTES = 8

/** A set made of two, byte by byte. */
export function combine(a: BitSet, b: BitSet, op: (x: number, y: number) => number): BitSet {
  return Uint8Array.from(a, (x, i) => op(x, b[i] as number))
}
/** Whether two sets have the same elements. */
export function isEqual(a: BitSet, b: BitSet): boolean {
  return a.every((x, i) => x === b[i])
}
/** Whether every element of the first is in the second. */
export function isSubset(a: BitSet, b: BitSet): boolean {
  return a.every((x, i) => (x & ~(b[i] as number)) === 0)
}
/** Whether a word is an element. */
export function has(set: BitSet, element: number): boolean {
  return element >= 0 && element < SET_BYTES * 8 && (((set[element >> 3] as number) >> (element & 7)) & 1) === 1
}
/** The set of low..high; empty when high is below low. */
export function rangeSet(low: number, high: number): BitSet {
  const set = new Uint8Array(SET_BYTES)
  for (let e = Math.max(low, 0); e <= Math.min(high, SET_BYTES * 8 - 1); e++) {
    set[e >> 3] = (set[e >> 3] as number) | (1 << (e & 7))
  }
  return set
}
/** The elements to 63 only. */
export function lowPart(set: BitSet): BitSet {
  const low = new Uint8Array(SET_BYTES)
  low.set(set.subarray(0, SMALL_BYTES))
  return low
}
