import { checkArea } from '../machine/area.ts'
import { END_OF_FILE, END_OF_LINE } from '../machine/pascal-file.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { type StandardRow, served, waiting } from './standard-row.ts'

type SystemName = 'scn' | 'gxy' | 'mav' | 'tim' | 'hnw' | 'hmk' | 'hrl' | 'unr' | 'unw' | 'unc' | 'unt'

const MAX_INT = 0x7fff_ffff
/** Variables that may be made where a program marks the heap. */
const MAX_MADE = 1 << 22
/** Units that are the console: with and without an echo (UCSD Pascal II.0, “Units”). */
const CONSOLE_UNITS: readonly number[] = [1, 2]
const RETURN = 13
/** Before a number of blanks, which is 32 less than the byte that follows. */
const BLANKS = 16
const SPACE = 32
/** What a terminal counts up to. */
const MAX_COLUMN = 9999

/** Bytes that a unit transfers at once: those of a p-System’s memory. */
const MAX_TRANSFER_BYTES = 0xffff

function checkTransfer(unit: number, count: number): void {
  checkUnit(unit)
  if (count > MAX_TRANSFER_BYTES) throw new Problem('range', [count, 0, MAX_TRANSFER_BYTES])
}
function checkUnit(unit: number): void {
  if (!CONSOLE_UNITS.includes(unit)) throw new Problem('badUnit', [unit])
}
/** Bytes as the console takes them: a return ends a line, and blanks may be told by their number. */
function consoleBytes(bytes: Uint8Array): number[] {
  const shown: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte === BLANKS && i + 1 < bytes.length) {
      for (let blanks = (bytes[++i] as number) - SPACE; blanks > 0; blanks--) shown.push(SPACE)
    } else shown.push(byte === RETURN ? END_OF_LINE : byte)
  }
  return shown
}
function heapRoom({ heap }: Runtime): number {
  // Words of 16 bits, as programs count them.
  return Math.min(heap.roomBytes >> 1, MAX_INT)
}

/** Heap as a stack, units, terminal, time, looking for a byte (UCSD Pascal II.0, “Intrinsics”). */
export const systemStandard: Readonly<Record<SystemName, StandardRow>> = {
  scn: served(
    'i i i i i i -> i',
    'Looks for a byte: how far at most (backwards where negative), whether for that one or another, which; where from, the address and bytes of that variable. How far it is.',
    (rt, limit, isEqual, char, from, variable, bytes) => {
      const step = limit < 0 ? -1 : 1
      let distance = 0
      for (; distance !== limit; distance += step) {
        checkArea(rt, from + distance, variable, bytes, 1)
        if ((rt.memory.byte(from + distance) === char) === (isEqual !== 0)) break
      }
      return distance
    },
  ),
  gxy: served(
    'i i ->',
    'Puts the cursor at a column and line of the terminal, counted from 0 (ECMA-48, CUP).',
    (rt, column, line) => {
      const at = (n: number): number => Math.min(Math.max(n, 0), MAX_COLUMN) + 1
      rt.consoleFile('output').writeBytes(new TextEncoder().encode(`\u001b[${at(line)};${at(column)}H`))
    },
  ),
  mav: served('-> i', 'Words of 16 bits that the heap may still have.', heapRoom),
  tim: served(
    'i i ->',
    'Puts the sixtieths of a second that the clock shows into two integers: the upper and lower 16 bits.',
    (rt, high, low) => {
      const ticks = rt.ticks()
      rt.memory.setWord(high, ticks >>> 16)
      rt.memory.setWord(low, ticks & 0xffff)
    },
  ),
  hnw: served('i i ->', 'As new, for a heap that is marked.', (rt, to, bytes) => {
    if (rt.allocated.length >= MAX_MADE) throw new Problem('heap')
    const address = rt.heap.allocate(bytes)
    rt.allocated.push(address)
    rt.memory.setWord(to, address)
  }),
  hmk: served('i ->', 'Marks what the heap has: the mark goes to an address.', (rt, to) =>
    rt.memory.setWord(to, rt.allocated.length),
  ),
  hrl: served('i ->', 'Ends what was made since a mark.', (rt, mark) => {
    if (mark < 0 || mark > rt.allocated.length) throw new Problem('disposeBad')
    for (const address of rt.allocated.splice(mark)) if (rt.heap.state(address) === 'live') rt.heap.free(address)
  }),
  unr: waiting(
    'i i i i i ->',
    'Reads bytes from a unit: which one, where to, the address and bytes of that variable, how many.',
    function* (rt, unit, to, variable, bytes, count) {
      checkTransfer(unit, count)
      checkArea(rt, to, variable, bytes, count)
      const file = rt.consoleFile('input')
      for (let i = 0; i < count; i++) {
        const char = yield* file.ahead()
        if (char === END_OF_FILE) throw new Problem('endOfFile')
        rt.memory.setByte(to + i, char === END_OF_LINE ? RETURN : char)
        yield* file.advance()
      }
    },
  ),
  unw: served(
    'i i i i i ->',
    'Writes bytes to a unit: operands as for `unr`.',
    (rt, unit, from, variable, bytes, count) => {
      checkTransfer(unit, count)
      checkArea(rt, from, variable, bytes, count)
      const file = rt.consoleFile('output')
      for (const byte of consoleBytes(rt.memory.slice(from, Math.max(count, 0)))) file.writeByte(byte)
    },
  ),
  unc: served('i ->', 'Sees to it that there is such a unit.', (_, unit) => checkUnit(unit)),
  unt: {
    ...served('i -> i', 'Sees to it that there is such a unit, which is never busy.', (_, unit) => {
      checkUnit(unit)
      return 0
    }),
    onFault: 0,
  },
}
