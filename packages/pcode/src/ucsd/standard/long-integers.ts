import { ExecutionError } from '../execution-errors.ts'
import type { HostMachine } from '../host-machine.ts'

/** The segment that long integers live in: its one procedure in native code is DECOPS. */
export const LONG_INTEGER_SEGMENT = 30

/** Digits of a long integer at most (II.0, “Long integers”). */
const MAX_DIGITS = 36n
const BOUND = 10n ** MAX_DIGITS
const MINUS = 0xff
const DIGITS_OF_WORD = 4
const MAX_WORDS = 255

/**
 * DECOPS: operations on long integers, by the number on top of the evaluation stack. A long integer stands there as its
 * size in words, its sign (0, or not for minus) and words of four decimal digits, the highest first, each with its
 * highest digit lowest. Returns an execution error or nothing.
 */
export function decimalOperation(m: HostMachine): number | undefined {
  const run = OPERATIONS.get(m.pop())
  return run ? run(m) : ExecutionError.unimplemented
}

const RELATIONS: ReadonlyMap<number, (x: bigint, y: bigint) => boolean> = new Map([
  [8, (x: bigint, y: bigint) => x < y],
  [9, (x: bigint, y: bigint) => x <= y],
  [10, (x: bigint, y: bigint) => x >= y],
  [11, (x: bigint, y: bigint) => x > y],
  [12, (x: bigint, y: bigint) => x !== y],
  [13, (x: bigint, y: bigint) => x === y],
])

const OPERATIONS: ReadonlyMap<number, (m: HostMachine) => number | undefined> = new Map([
  [0, adjust],
  [2, binary((x, y) => x + y)],
  [4, binary((x, y) => x - y)],
  [
    6,
    m => {
      const x = popLong(m)
      return x === undefined ? ExecutionError.invalidIndex : pushLong(m, -x)
    },
  ],
  [8, binary((x, y) => x * y)],
  [10, binary((x, y) => (y === 0n ? undefined : x / y))],
  [12, toText],
  [
    14,
    m => {
      const x = popLong(m)
      if (x === undefined) return ExecutionError.invalidIndex
      pushLong(m, BigInt(m.popSigned()))
      return pushLong(m, x)
    },
  ],
  [16, compare],
  [18, m => pushLong(m, BigInt(m.popSigned()))],
  [
    20,
    m => {
      const x = popLong(m)
      if (x === undefined) return ExecutionError.invalidIndex
      if (x > 32767n || x < -32768n) return ExecutionError.integerOverflow
      m.push(Number(x))
      return undefined
    },
  ],
])

function popLong(m: HostMachine): bigint | undefined {
  const words = (m.pop() & 0xff) - 1
  const isNegative = m.pop() !== 0
  if (words < 0 || words > m.depth) return undefined
  let digits = ''
  for (let i = 0; i < words; i++) digits += digitsOf(m.pop())
  if (!/^[0-9]*$/.test(digits)) return undefined
  const value = BigInt(digits)
  return isNegative ? -value : value
}
function digitsOf(word: number): string {
  return [0, 4, 8, 12].map(shift => ((word >> shift) & 15).toString(16)).join('')
}
function wordOf(digits: string): number {
  return Array.from(digits).reduce((word, digit, i) => word | (Number(digit) << (4 * i)), 0)
}

function pushLong(m: HostMachine, value: bigint): number | undefined {
  const magnitude = value < 0n ? -value : value
  if (magnitude >= BOUND) return ExecutionError.integerOverflow
  const text = magnitude.toString()
  const words = Math.ceil(text.length / DIGITS_OF_WORD)
  const digits = text.padStart(words * DIGITS_OF_WORD, '0')
  for (let i = words; i-- > 0; ) m.push(wordOf(digits.slice(i * DIGITS_OF_WORD, (i + 1) * DIGITS_OF_WORD)))
  m.push(value < 0n ? MINUS : 0)
  m.push(words + 1)
  return undefined
}

/** Makes it as many words as the variable has that it goes to, and leaves them without the size. */
function adjust(m: HostMachine): number | undefined {
  const wanted = m.pop()
  const size = m.pop() & 0xff
  const sign = m.pop()
  if (wanted > MAX_WORDS || size > m.depth + 1) return ExecutionError.invalidIndex
  for (let i = size; i > wanted; i--) if (m.pop() !== 0) return ExecutionError.integerOverflow
  for (let i = size; i < wanted; i++) m.push(0)
  m.push(sign)
  return undefined
}

function binary(compute: (x: bigint, y: bigint) => bigint | undefined): (m: HostMachine) => number | undefined {
  return m => {
    const y = popLong(m)
    const x = y === undefined ? undefined : popLong(m)
    if (x === undefined || y === undefined) return ExecutionError.invalidIndex
    const result = compute(x, y)
    return result === undefined ? ExecutionError.divideByZero : pushLong(m, result)
  }
}

function compare(m: HostMachine): number | undefined {
  const holds = RELATIONS.get(m.pop())
  const y = popLong(m)
  const x = y === undefined ? undefined : popLong(m)
  if (x === undefined || y === undefined) return ExecutionError.invalidIndex
  if (holds === undefined) return ExecutionError.unimplemented
  m.push(holds(x, y) ? 1 : 0)
  return undefined
}

function toText(m: HostMachine): number | undefined {
  const room = m.pop()
  const to = m.pop()
  const x = popLong(m)
  if (x === undefined) return ExecutionError.invalidIndex
  const text = x.toString()
  if (text.length > room) return ExecutionError.stringTooLong
  m.setByte(to, text.length)
  for (let i = 0; i < text.length; i++) m.setByte(to + 1 + i, text.charCodeAt(i))
  return undefined
}
