import { END_OF_FILE, END_OF_LINE } from '../machine/pascal-file.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { checkArea } from '../machine/area.ts'
import { inlined, type StandardRow, served, waiting } from './standard-row.ts'

type StringName =
  | 'sta'
  | 'scp'
  | 'sap'
  | 'sch'
  | 'scy'
  | 'scm'
  | 'sln'
  | 'sps'
  | 'sdl'
  | 'sns'
  | 'its'
  | 'six'
  | 'rds'
  | 'wst'
  | 'mvl'
  | 'mvr'
  | 'fil'
  | 'pwr'

const SPACE = 32
const MAX_STRING = 255
const MAX_WIDTH = 1 << 16
/** Powers of ten that a real has. */
const MAX_POWER = 308

/** The characters of a string. */
function chars({ memory }: Runtime, address: number): Uint8Array {
  return memory.slice(address + 1, memory.byte(address))
}
function put({ memory }: Runtime, address: number, from: Uint8Array, max: number): void {
  if (from.length > max) throw new Problem('stringLength', [from.length, max])
  memory.setByte(address, from.length)
  memory.bytes.set(from, address + 1)
}
function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}
/** Part of a string by its first character, counted from 1, and how many there are; undefined where there is no such part. */
function within(
  from: Uint8Array,
  index: number,
  count: number,
): { readonly start: number; readonly end: number } | undefined {
  const start = index - 1
  return start < 0 || count < 0 || start + count > from.length ? undefined : { start, end: start + count }
}
function found(source: Uint8Array, target: Uint8Array): number {
  for (let at = 0; at + target.length <= source.length; at++) {
    if (target.every((byte, i) => byte === source[at + i])) return at + 1
  }
  return 0
}

/** Procedures on strings of varying length: a byte that tells it, then the characters; and on memory (UCSD Pascal). */
export const stringStandard: Readonly<Record<StringName, StandardRow>> = {
  sta: served('i i i ->', 'Assigns a string: where to, where from, how long it may be.', (rt, to, from, max) =>
    put(rt, to, chars(rt, from), max),
  ),
  scp: served('i i -> i', 'Copies a string to room of its own.', (rt, to, from) => {
    put(rt, to, chars(rt, from), MAX_STRING)
    return to
  }),
  sap: served('i i -> i', 'Appends a string to one in room of its own.', (rt, to, from) => {
    put(rt, to, joined(chars(rt, to), chars(rt, from)), MAX_STRING)
    return to
  }),
  sch: served('i i -> i', 'Makes a string of a character, in room of its own.', (rt, to, char) => {
    put(rt, to, Uint8Array.of(char), 1)
    return to
  }),
  scy: served(
    'i i i i -> i',
    'Copies part of a string to room of its own: from which character, how many.',
    (rt, to, from, index, count) => {
      const source = chars(rt, from)
      const part = within(source, index, count)
      put(rt, to, part ? source.subarray(part.start, part.end) : new Uint8Array(), MAX_STRING)
      return to
    },
  ),
  scm: served('i i -> i', 'Compares two strings: less than 0, 0, more than 0.', (rt, a, b) => {
    const [x, y] = [chars(rt, a), chars(rt, b)]
    const differs = x.findIndex((byte, i) => byte !== y[i])
    return differs < 0 || differs >= y.length
      ? Math.sign(x.length - y.length)
      : Math.sign((x[differs] as number) - (y[differs] as number))
  }),
  sln: inlined('i -> i', 'The length of a string.', (m, address) => m.load('x', address, 0)),
  sps: served('i i -> i', 'Where one string stands in another; 0 where nowhere.', (rt, target, source) =>
    found(chars(rt, source), chars(rt, target)),
  ),
  sdl: served(
    'i i i ->',
    'Takes characters out of a string: from which one, how many.',
    (rt, address, index, count) => {
      const source = chars(rt, address)
      const part = within(source, index, count)
      if (part) put(rt, address, joined(source.subarray(0, part.start), source.subarray(part.end)), MAX_STRING)
    },
  ),
  sns: served(
    'i i i i ->',
    'Inserts a string into another before a character: which string, where to, before which, how long it may become.',
    (rt, from, address, index, max) => {
      const source = chars(rt, address)
      const part = within(source, index, 0)
      if (part)
        put(rt, address, joined(source.subarray(0, part.start), chars(rt, from), source.subarray(part.start)), max)
    },
  ),
  its: served('i i i ->', 'Makes a string of an integer: which, where to, how long it may be.', (rt, value, to, max) =>
    put(rt, to, new TextEncoder().encode(String(value)), max),
  ),
  six: inlined('i i -> i', 'The address of a character of a string, which must have so many.', (m, string, index) => {
    const [address, at] = [m.once(string), m.once(index)]
    const length = m.load('x', address, 0)
    const isOutside = m.isZero(m.op('ltU', m.op('sub', at, m.word(1)), length))
    m.trapIf(isOutside, 'stringIndex', at)
    return m.element(address, at, 1)
  }),
  rds: waiting(
    'i i i -> i',
    'Reads a string up to the end of the line: where to, how long it may be.',
    function* (rt, f, to, max) {
      const file = rt.reading(f)
      const read: number[] = []
      for (;;) {
        const char = yield* file.ahead()
        if (char === END_OF_LINE || char === END_OF_FILE || read.length === max) break
        read.push(char)
        yield* file.advance()
      }
      put(rt, to, Uint8Array.from(read), max)
      return f
    },
  ),
  wst: served('i i i -> i', 'Writes a string in a field; one of 0 is as wide as the string.', (rt, f, from, width) => {
    const file = rt.writing(f)
    const text = chars(rt, from)
    if (width < 0) throw new Problem('width', [width])
    for (let i = Math.min(width - text.length, MAX_WIDTH); i > 0; i--) file.writeByte(SPACE)
    file.writeBytes(width === 0 ? text : text.subarray(0, width))
    return f
  }),
  mvl: served(
    'i i i i i i i ->',
    'Copies bytes, the first one first: from and to, each with the address and bytes of its variable, and how many.',
    (rt, from, source, sourceBytes, to, target, targetBytes, count) => {
      const { bytes } = areas(rt, [from, source, sourceBytes], [to, target, targetBytes], count)
      for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i] as number
    },
  ),
  mvr: served(
    'i i i i i i i ->',
    'Copies bytes, the last one first: operands as for `mvl`.',
    (rt, from, source, sourceBytes, to, target, targetBytes, count) => {
      const { bytes } = areas(rt, [from, source, sourceBytes], [to, target, targetBytes], count)
      for (let i = count - 1; i >= 0; i--) bytes[to + i] = bytes[from + i] as number
    },
  ),
  fil: served(
    'i i i i i ->',
    'Fills bytes: where, the address and bytes of its variable, how many, with what.',
    (rt, to, target, bytes, count, char) => {
      checkArea(rt, to, target, bytes, count)
      rt.memory.bytes.fill(char, to, to + Math.max(count, 0))
    },
  ),
  pwr: served('i -> r', 'A power of ten.', (_, power) => {
    if (power < 0 || power > MAX_POWER) throw new Problem('range', [power, 0, MAX_POWER])
    return Number(`1e${power}`)
  }),
}

type Area = readonly [address: number, variable: number, bytes: number]

/** The memory, which has so many bytes in both areas. */
function areas(rt: Runtime, from: Area, to: Area, count: number): Runtime['memory'] {
  checkArea(rt, ...from, count)
  checkArea(rt, ...to, count)
  return rt.memory
}
