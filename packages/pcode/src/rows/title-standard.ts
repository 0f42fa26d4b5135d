import { checkArea } from '../machine/area.ts'
import { MAX_TITLED_BYTES } from '../machine/titles.ts'
import type { PascalFile } from '../machine/pascal-file.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { CLOSE_OPTIONS, type TitledFile } from '../machine/titled-file.ts'
import { type StandardRow, served } from './standard-row.ts'

type TitleName = 'tre' | 'trw' | 'tcl' | 'tsk' | 'tbr' | 'tbw' | 'ior' | 'ioz'

/** Bytes of a block, which is what untyped files are transferred in. */
const BLOCK_BYTES = 512
/** In place of a number of bytes: the file is a text. */
export const TEXT_BYTES = -1
/** In place of a block’s number: where the file is. */
export const NEXT_BLOCK = -1

function titleOf({ memory }: Runtime, address: number): string {
  return String.fromCharCode(...memory.slice(address + 1, memory.byte(address)))
}
function contentsOf(file: PascalFile): TitledFile {
  if (file.state === 'closed') throw new Problem('notOpen')
  if (file.titled === undefined) throw new Problem('notTitled')
  return file.titled
}
/** Gets the next component into the buffer variable; beyond the last one the file is at its end. */
export function loadWindow(rt: Runtime, f: number, contents: TitledFile, bytes: number): void {
  const piece = contents.read(bytes)
  contents.isOver = piece.length < bytes
  if (!contents.isOver) rt.memory.bytes.set(piece, rt.buffer(f))
}
function openTitle(rt: Runtime, f: number, title: number, bytes: number, isNew: boolean): void {
  const file = rt.openTitle(f, titleOf(rt, title), isNew, bytes === TEXT_BYTES)
  if (file.titled === undefined) return
  file.titled.componentBytes = Math.max(bytes, 0)
  if (isNew) file.titled.isOver = true
  else if (bytes > 0) loadWindow(rt, f, file.titled, bytes)
}

/** Goes to a block, and says how many bytes a transfer of some is. */
function seekBlock(contents: TitledFile, count: number, block: number): number {
  if (count < 0 || count * BLOCK_BYTES > MAX_TITLED_BYTES) throw new Problem('seekRange')
  if (block !== NEXT_BLOCK) contents.seek(block * BLOCK_BYTES)
  return count * BLOCK_BYTES
}

const onFault = { onFault: 0 }

/** Files that are opened by their titles, and how their use ended (UCSD Pascal II.0, “Files”). */
export const titleStandard: Readonly<Record<TitleName, StandardRow>> = {
  tre: served(
    'i i i ->',
    'Opens a file by its title, for both reading and writing: the bytes of a component, 0 for blocks, -1 for a text.',
    (rt, f, title, bytes) => openTitle(rt, f, title, bytes, false),
  ),
  trw: served(
    'i i i ->',
    'Makes a file with a title, which `tcl` may keep: bytes as for `tre`.',
    (rt, f, title, bytes) => openTitle(rt, f, title, bytes, true),
  ),
  tcl: served(
    'i i ->',
    'Closes a file: 0 as usual, 1 and keeps it, 2 and removes it, 3 and cuts it where it is.',
    (rt, f, option) => rt.closeFile(f, CLOSE_OPTIONS[option] ?? 'normal'),
  ),
  tsk: served('i i i ->', 'Goes to a component by its number: how many bytes one has.', (rt, f, component, bytes) => {
    const contents = contentsOf(rt.file(f))
    if (component < 0) throw new Problem('seekRange')
    contents.seek(component * bytes)
  }),
  tbr: {
    ...served(
      'i i i i i i -> i',
      'Reads blocks: the file, where to, the address and bytes of its variable, how many, from which one; gives how many came.',
      (rt, f, to, variable, bytes, count, block) => {
        rt.ioResult = 0
        const contents = contentsOf(rt.file(f))
        const wanted = seekBlock(contents, count, block)
        checkArea(rt, to, variable, bytes, wanted)
        const piece = contents.read(wanted)
        contents.isOver = contents.at >= contents.contents.length
        rt.memory.bytes.set(piece, to >>> 0)
        return Math.ceil(piece.length / BLOCK_BYTES)
      },
    ),
    ...onFault,
  },
  tbw: {
    ...served(
      'i i i i i i -> i',
      'Writes blocks: operands as for `tbr`; gives how many went.',
      (rt, f, from, variable, bytes, count, block) => {
        rt.ioResult = 0
        const contents = contentsOf(rt.file(f))
        const wanted = seekBlock(contents, count, block)
        checkArea(rt, from, variable, bytes, wanted)
        contents.write(rt.memory.slice(from, wanted))
        return count
      },
    ),
    ...onFault,
  },
  ior: served('-> i', 'How the last statement of input or output ended.', rt => rt.ioResult),
  ioz: served('->', 'A statement of input or output is done: `ior` tells of it.', rt => rt.endTransfer()),
}
