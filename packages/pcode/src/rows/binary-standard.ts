import { END_OF_FILE, type PascalFile } from '../machine/pascal-file.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { type StandardRow, served, waiting } from './standard-row.ts'
import { loadWindow } from './title-standard.ts'

type BinaryName =
  | 'rsb'
  | 'rwb'
  | 'gbf'
  | 'pbf'
  | 'fvb'
  | 'rbf'
  | 'rbr'
  | 'wbf'
  | 'wbi'
  | 'wbx'
  | 'wbc'
  | 'wbb'
  | 'wbr'
  | 'efb'
  | 'ecb'
  | 'fin'
  | 'fcl'
  | 'fps'
  | 'fmv'

/** Components are no larger than the memory; a claim beyond it must not make the host count so far. */
function* fill(rt: Runtime, file: PascalFile, to: number, bytes: number): Generator<Promise<void>, void> {
  for (let i = 0; i < bytes; i++) {
    const byte = yield* file.filled()
    if (byte === END_OF_FILE) throw new Problem('endOfFile')
    rt.memory.setByte(to + i, byte)
    file.takeByte()
  }
}
function* atEnd(file: PascalFile): Generator<Promise<void>, number> {
  if (file.titled) return file.titled.isOver ? 1 : 0
  if (file.state === 'writing') return 1
  return !file.buffered && (yield* file.filled()) === END_OF_FILE ? 1 : 0
}
function* component(rt: Runtime, f: number, to: number, bytes: number): Generator<Promise<void>, number> {
  const file = rt.reading(f)
  if (file.buffered) {
    rt.memory.bytes.copyWithin(to, rt.buffer(f), rt.buffer(f) + bytes)
    file.buffered = false
  } else yield* fill(rt, file, to, bytes)
  return f
}
const scratch = new DataView(new ArrayBuffer(8))
function writeScratch(rt: Runtime, f: number, bytes: number): number {
  rt.writing(f).writeBytes(new Uint8Array(scratch.buffer, 0, bytes))
  return f
}
function writeByte(rt: Runtime, f: number, value: number): number {
  rt.writing(f).writeByte(value)
  return f
}

/** Standard procedures on files that are not texts, and on file variables. */
export const binaryStandard: Readonly<Record<BinaryName, StandardRow>> = {
  rsb: served('i ->', 'Opens a file for reading.', (rt, f) => {
    const file = rt.file(f)
    file.reset()
    const { titled } = file
    if (titled && titled.componentBytes > 0) loadWindow(rt, f, titled, titled.componentBytes)
  }),
  rwb: served('i ->', 'Opens a file for writing, empty.', (rt, f) => rt.file(f).rewrite()),
  gbf: waiting('i i ->', 'Goes to the next component, of so many bytes.', function* (rt, f, bytes) {
    const { titled } = rt.file(f)
    if (titled) {
      loadWindow(rt, f, titled, bytes)
      return
    }
    const file = rt.reading(f)
    if (!file.buffered) yield* fill(rt, file, rt.buffer(f), bytes)
    file.buffered = false
  }),
  pbf: served('i i ->', 'Appends the component in the buffer variable.', (rt, f, bytes) => {
    const { titled } = rt.file(f)
    if (titled) {
      titled.write(rt.memory.slice(rt.buffer(f), bytes))
      return
    }
    const file = rt.writing(f)
    if (!file.buffered) throw new Problem('buffer')
    file.writeBytes(rt.memory.slice(rt.buffer(f), bytes))
    file.buffered = false
  }),
  fvb: waiting('i i -> i', 'Gets the buffer variable ready for use.', function* (rt, f, bytes) {
    const file = rt.file(f)
    if (file.titled) return f
    if (file.state === 'reading' && !file.buffered) yield* fill(rt, file, rt.buffer(f), bytes)
    file.buffered = file.state !== 'closed'
    return f
  }),
  rbf: waiting('i i i -> i', 'Reads a component of so many bytes to an address.', component),
  rbr: waiting('i i i i i -> i', 'Reads a word or byte of a range.', function* (rt, f, to, bytes, low, high) {
    yield* component(rt, f, to, bytes)
    const value = bytes === 1 ? rt.memory.byte(to) : rt.memory.word(to)
    if (value < low || value > high) throw new Problem('range', [value, low, high])
    return f
  }),
  wbf: served('i i i -> i', 'Writes a component of so many bytes from an address.', (rt, f, from, bytes) => {
    rt.writing(f).writeBytes(rt.memory.slice(from, bytes))
    return f
  }),
  wbi: served('i i -> i', 'Writes a word.', (rt, f, value) => {
    scratch.setInt32(0, value, true)
    return writeScratch(rt, f, 4)
  }),
  wbr: served('i r -> i', 'Writes a real.', (rt, f, value) => {
    scratch.setFloat64(0, value, true)
    return writeScratch(rt, f, 8)
  }),
  wbx: served('i i -> i', 'Writes a byte.', writeByte),
  wbc: served('i i -> i', 'Writes a character.', writeByte),
  wbb: served('i i -> i', 'Writes a Boolean.', writeByte),
  efb: waiting('i -> i', 'Whether the file ends here.', function* (rt, f) {
    const file = rt.file(f)
    if (file.state === 'closed') throw new Problem('notOpen')
    return yield* atEnd(file)
  }),
  ecb: waiting('i -> i', 'Whether the file ends here or is closed.', function* (rt, f) {
    const file = rt.file(f)
    return file.state === 'closed' ? 1 : yield* atEnd(file)
  }),
  fps: served('i -> i', 'How often the file was moved.', (rt, f) => rt.file(f).moves),
  fmv: served('i i ->', 'Traps if the file was moved since: how often it had been.', (rt, f, moves) => {
    if (rt.file(f).moves !== moves) throw new Problem('bufferMoved')
  }),
  fin: served('i ->', 'Gives a file variable a file of its own, closed.', (rt, f) => void rt.attach(f)),
  fcl: served('i ->', 'Closes a file variable and ends its file.', (rt, f) => rt.detach(f)),
}
