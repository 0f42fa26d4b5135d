import { type FileParameter, VALUE_BYTES, type ValueType } from '../program/program.ts'

/** How a compiler lays out frames and storage, in bytes of this machine. */
export interface Geometry {
  /** The size of a frame by what its `ents` says; undefined when that is impossible. */
  frameBytes(ents: number): number | undefined
  /** Where an offset of the text is in a frame. */
  offset(ents: number, q: number): number
  paramOffsets(ents: number, params: readonly ValueType[]): number[]
  /** The offset in the text of a parameter's lower word when it is a procedure, by the types up to its second word. */
  readonly markBytes: number
  /** True when the main program's frame is the globals. */
  readonly mainIsGlobal: boolean
  readonly files: readonly FileParameter[]
  readonly fileIdBytes: number
}

const NAMES = ['input', 'output', 'prd', 'prr'] as const
const headerFiles = (first: number, step: number): FileParameter[] =>
  NAMES.map((name, i) => ({
    name,
    offset: first + i * step,
    text: true,
    componentBytes: 1,
    opened: i % 2 === 0 ? 'reading' : 'writing',
  }))

const MARK_BYTES = 28
const RESULT_BYTES = 8
const MAX_FRAME_BYTES = 0x1000_0000

/** Pascal-P5 with 32-bit parameters: variables below a mark, growing down; the result above it. */
export const P5_GEOMETRY: Geometry = {
  frameBytes: ents => (ents > -MARK_BYTES || ents < -MAX_FRAME_BYTES ? undefined : -MARK_BYTES - ents + RESULT_BYTES),
  offset: (ents, q) => (q >= 0 ? -MARK_BYTES - ents + q : q - ents),
  paramOffsets: (ents, params) =>
    params.map((_, i) => -MARK_BYTES - params.slice(0, i + 1).reduce((sum, type) => sum + VALUE_BYTES[type], 0) - ents),
  markBytes: MARK_BYTES,
  mainIsGlobal: false,
  files: headerFiles(0, 2),
  fileIdBytes: 1,
}

/** Pascal-P4 counts in cells that hold any value; the largest is a set. */
export const CELL_BYTES: number = VALUE_BYTES.s
/** Cells of a mark, the first of which is the result. */
const MARK_CELLS = 5

/** Pascal-P4: everything grows up from a mark; the main program's frame has the addresses from 0. */
export const P4_GEOMETRY: Geometry = {
  frameBytes: ents => (ents < 0 || ents > MAX_FRAME_BYTES ? undefined : ents),
  offset: (_, q) => q,
  paramOffsets: (_, params) => params.map((_type, i) => (MARK_CELLS + i) * CELL_BYTES),
  markBytes: MARK_CELLS * CELL_BYTES,
  mainIsGlobal: true,
  files: headerFiles(MARK_CELLS * CELL_BYTES, CELL_BYTES),
  fileIdBytes: 1,
}
