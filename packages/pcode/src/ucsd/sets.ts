import type { HostMachine } from './host-machine.ts'

/** Words that a set has at most: its size is a byte. */
export const MAX_SET_WORDS = 255
/** Members have ordinal numbers below this. */
export const SET_MEMBERS: number = MAX_SET_WORDS * 16

/** Takes a set off the evaluation stack: its size is on top, then its words, the first first. Undefined if it is none. */
export function popSet(m: HostMachine): number[] | undefined {
  const size = m.pop()
  if (size > MAX_SET_WORDS || size > m.depth) return undefined
  return Array.from({ length: size }, () => m.pop())
}

/** Puts a set on the evaluation stack. */
export function pushSet(m: HostMachine, words: readonly number[]): void {
  for (let i = words.length; i-- > 0; ) m.push(words[i] as number)
  m.push(words.length)
}
