import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { CELL_BYTES } from '../text/geometry.ts'
import { otherStandard } from './other-standard.ts'
import { type StandardRow, served } from './standard-row.ts'
import { textStandard } from './text-standard.ts'

type P4Name =
  `p4${'get' | 'put' | 'rst' | 'rln' | 'new' | 'wln' | 'wrs' | 'eln' | 'wri' | 'wrr' | 'wrc' | 'rdi' | 'rdr' | 'rdc' | 'sin' | 'cos' | 'exp' | 'log' | 'sqt' | 'atn' | 'sav'}`

/** A procedure on texts as P4 calls it: the file's address comes last, and is taken away too. */
function fileLast(row: StandardRow): StandardRow {
  const { serve } = row
  const pops = [...row.pops.slice(1), 'i' as const]
  return {
    ...row,
    pops,
    pushes: [],
    prose: `${row.prose.slice(0, -1)}; the file on top.`,
    serve: (runtime, ...args) => {
      const file = args[pops.length - 1] as number
      const result = serve?.(runtime, file, ...args.slice(0, pops.length - 1))
      return typeof result === 'object' ? withoutResult(result) : undefined
    },
  }
}
function* withoutResult(steps: Generator<Promise<void>, number | void>): Generator<Promise<void>, void> {
  yield* steps
}

/** Ends the heap variables made since a mark: P4's heap is a stack. */
function release(runtime: Runtime, mark: number): void {
  if (mark < 0 || mark > runtime.allocated.length) throw new Problem('disposeBad')
  for (const address of runtime.allocated.splice(mark)) runtime.heap.free(address)
}

/** The standard procedures of Pascal-P4, whose storage is counted in cells. */
export const p4Standard: Readonly<Record<P4Name, StandardRow>> = {
  p4get: textStandard.get,
  p4put: textStandard.put,
  p4rln: fileLast(textStandard.rln),
  p4wln: fileLast(textStandard.wln),
  p4wri: fileLast(textStandard.wri),
  p4wrr: fileLast(textStandard.wrr),
  p4wrc: fileLast(textStandard.wrc),
  p4rdi: fileLast(textStandard.rdi),
  p4rdr: fileLast(textStandard.rdr),
  p4rdc: fileLast(textStandard.rdc),
  p4eln: textStandard.eln,
  p4wrs: served(
    'i i i i ->',
    'Writes a string of cells: address, width, length, file.',
    (rt, from, width, length, f) => {
      const file = rt.writing(f)
      for (let i = Math.min(width - length, 1 << 16); i > 0; i--) file.writeByte(32)
      for (let i = 0; i < Math.min(length, width); i++) file.writeByte(rt.memory.byte(from + i * CELL_BYTES))
    },
  ),
  p4new: served('i i ->', 'Makes a variable of so many cells.', (rt, to, cells) => {
    const address = rt.heap.allocate(cells * CELL_BYTES)
    rt.allocated.push(address)
    rt.memory.setWord(to, address)
  }),
  p4sav: served('i ->', 'Marks how far the heap has grown.', (rt, to) => rt.memory.setWord(to, rt.allocated.length)),
  p4rst: served('i ->', 'Ends what was made since a mark.', release),
  p4sin: otherStandard.sin,
  p4cos: otherStandard.cos,
  p4exp: otherStandard.exp,
  p4log: otherStandard.log,
  p4sqt: otherStandard.sqt,
  p4atn: otherStandard.atn,
}
