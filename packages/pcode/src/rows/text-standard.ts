import { booleanText, fixedText, floatText, integerText } from '../machine/number-text.ts'
import { END_OF_FILE, END_OF_LINE, type PascalFile } from '../machine/pascal-file.ts'
import { Problem } from '../machine/problem.ts'
import { readInteger, readReal } from '../machine/read-number.ts'
import type { Runtime } from '../machine/runtime.ts'
import { type StandardRow, served, waiting } from './standard-row.ts'

type TextName =
  | 'wri'
  | 'wrc'
  | 'wrb'
  | 'wrr'
  | 'wrf'
  | 'wrs'
  | 'wln'
  | 'pag'
  | 'rdi'
  | 'rdr'
  | 'rdc'
  | 'rib'
  | 'rcb'
  | 'rdx'
  | 'rdh'
  | 'rln'
  | 'eln'
  | 'eof'
  | 'elc'
  | 'eoc'
  | 'get'
  | 'put'
  | 'fbv'
  | 'rsf'
  | 'rwf'

const SPACE = 32
const FORM_FEED = 12
/** Field widths beyond this are cut. */
const MAX_WIDTH = 1 << 16

function write(runtime: Runtime, address: number, width: number, text: () => string): number {
  const file = runtime.writing(address)
  if (width < 1) throw new Problem('width', [width])
  const written = text()
  for (let i = 0; i < written.length; i++) file.writeByte(written.charCodeAt(i))
  return address
}
function spaces(file: PascalFile, count: number): void {
  for (let i = Math.min(count, MAX_WIDTH); i > 0; i--) file.writeByte(SPACE)
}
function within(value: number, low: number, high: number): number {
  if (value < low || value > high) throw new Problem('range', [value, low, high])
  return value
}

/** Standard procedures on texts. The file variable's address stays on the stack for the next one. */
export const textStandard: Readonly<Record<TextName, StandardRow>> = {
  wri: served('i i i -> i', 'Writes an integer in a field.', (rt, f, value, width) =>
    write(rt, f, width, () => integerText(value, width)),
  ),
  wrr: served('i r i -> i', 'Writes a real in floating form.', (rt, f, value, width) =>
    write(rt, f, width, () => floatText(value, width, rt.realStyle)),
  ),
  wrf: served('i r i i -> i', 'Writes a real in fixed form.', (rt, f, value, width, fraction) => {
    if (fraction < 1) throw new Problem('width', [fraction])
    return write(rt, f, width, () => fixedText(value, width, fraction))
  }),
  wrb: served('i i i -> i', 'Writes a Boolean.', (rt, f, value, width) =>
    write(rt, f, width, () => booleanText(value, width)),
  ),
  wrc: served('i i i -> i', 'Writes a character.', (rt, f, value, width) => {
    const file = rt.writing(f)
    if (width < 1) throw new Problem('width', [width])
    spaces(file, width - 1)
    file.writeByte(value)
    return f
  }),
  wrs: served('i i i i -> i', 'Writes a string: its address, the width, its length.', (rt, f, from, width, length) => {
    const file = rt.writing(f)
    if (width < 1) throw new Problem('width', [width])
    spaces(file, width - length)
    file.writeBytes(rt.memory.slice(from, Math.min(length, width)))
    return f
  }),
  wln: served('i -> i', 'Ends a line.', (rt, f) => {
    rt.writing(f).writeByte(END_OF_LINE)
    return f
  }),
  pag: served('i ->', 'Begins a page.', (rt, f) => rt.writing(f).writeByte(FORM_FEED)),
  rdi: waiting('i i -> i', 'Reads an integer to an address.', function* (rt, f, to) {
    rt.memory.setWord(to, yield* readInteger(rt.reading(f)))
    return f
  }),
  rib: waiting('i i i i -> i', 'Reads an integer of a range.', function* (rt, f, to, low, high) {
    rt.memory.setWord(to, within(yield* readInteger(rt.reading(f)), low, high))
    return f
  }),
  rdx: waiting('i i i i -> i', 'Reads an integer of a range into a byte.', function* (rt, f, to, low, high) {
    rt.memory.setByte(to, within(yield* readInteger(rt.reading(f)), low, high))
    return f
  }),
  rdh: waiting('i i i i -> i', 'Reads an integer of a range into 16 bits.', function* (rt, f, to, low, high) {
    rt.memory.view.setInt16(to, within(yield* readInteger(rt.reading(f)), low, high), true)
    return f
  }),
  rdr: waiting('i i -> i', 'Reads a real.', function* (rt, f, to) {
    rt.memory.setReal(to, yield* readReal(rt.reading(f)))
    return f
  }),
  rdc: waiting('i i -> i', 'Reads a character.', function* (rt, f, to) {
    rt.memory.setByte(to, yield* rt.reading(f).take())
    return f
  }),
  rcb: waiting('i i i i -> i', 'Reads a character of a range.', function* (rt, f, to, low, high) {
    rt.memory.setByte(to, within(yield* rt.reading(f).take(), low, high))
    return f
  }),
  rln: waiting('i -> i', 'Goes to the next line.', function* (rt, f) {
    const file = rt.reading(f)
    while ((yield* file.ahead()) !== END_OF_LINE) yield* file.advance()
    yield* file.advance()
    return f
  }),
  eln: waiting('i -> i', 'Whether the line ends here.', function* (rt, f) {
    const file = rt.file(f)
    if (file.state !== 'reading') throw new Problem('notReading')
    const c = yield* file.ahead()
    if (c === END_OF_FILE) throw new Problem('endOfFile')
    return c === END_OF_LINE ? 1 : 0
  }),
  eof: waiting('i -> i', 'Whether the file ends here.', function* (rt, f) {
    const file = rt.file(f)
    if (file.state === 'closed') throw new Problem('notOpen')
    return file.state === 'writing' || (yield* file.ahead()) === END_OF_FILE ? 1 : 0
  }),
  elc: waiting(
    'i -> i',
    'Whether the line or the file ends here, as it does where a file is closed.',
    function* (rt, f) {
      const file = rt.file(f)
      if (file.state === 'closed') return 1
      if (file.state !== 'reading') throw new Problem('notReading')
      const c = yield* file.ahead()
      return c === END_OF_LINE || c === END_OF_FILE ? 1 : 0
    },
  ),
  eoc: waiting('i -> i', 'Whether the file ends here or is closed.', function* (rt, f) {
    const file = rt.file(f)
    return file.state !== 'reading' || (yield* file.ahead()) === END_OF_FILE ? 1 : 0
  }),
  get: waiting('i ->', 'Goes to the next character.', function* (rt, f) {
    yield* rt.reading(f).advance()
  }),
  put: served('i ->', 'Appends the character in the buffer variable.', (rt, f) => {
    const file = rt.writing(f)
    if (!file.buffered) throw new Problem('buffer')
    file.writeByte(rt.memory.byte(rt.buffer(f)))
    file.buffered = false
  }),
  fbv: waiting('i -> i', 'Gets the buffer variable of a text ready for use.', function* (rt, f) {
    const file = rt.file(f)
    if (file.state === 'writing') file.buffered = true
    if (file.state !== 'reading') return f
    const c = yield* file.ahead()
    if (c !== END_OF_FILE) rt.memory.setByte(rt.buffer(f), c === END_OF_LINE ? SPACE : c)
    return f
  }),
  rsf: served('i ->', 'Opens a text for reading.', (rt, f) => rt.file(f).reset()),
  rwf: served('i ->', 'Opens a text for writing, empty.', (rt, f) => rt.file(f).rewrite()),
}
