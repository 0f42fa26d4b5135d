import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../machine/memory-files.ts'
import { runProgram } from '../machine/run.ts'
import { CodeBuilder } from '../program/code-builder.ts'
import type { Program, ValueType } from '../program/program.ts'
import { type InstructionName, Row, ROW_NAMES, ROWS } from './p5.ts'
import type { OperandKind } from './row.ts'
import { Csp, STANDARD } from './standard.ts'

// Every instruction on random operands, once by the interpreter and once translated: both must do the same.

const GLOBALS = { file: 0, pointer: 8, results: 64, end: 320 }
const FRAME_BYTES = 64
const CONSTANT_BYTES = 256
const WORDS = [0, 1, -1, 2, 7, 63, 64, 65, 255, 256, -255, 0x7fff_ffff, -0x7fff_ffff, -0x8000_0000, 16, 80, 100, 300]
const REALS = [0, -0, 0.5, -0.5, 1, -1.5, 2.5, 1e9, -3e9, 2147483647.4, 2147483647.6, -2147483648.5, 1e300, -1e-300]
const BYTES = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** How a value comes onto the stack: known to the translator, loaded, loaded as a byte, or a live pointer. */
interface Pushed {
  readonly how: 'constant' | 'loaded' | 'byte' | 'pointer'
  readonly word: number
  readonly real: number
  readonly set: Uint8Array
}
const pushed = fc.record<Pushed>({
  how: fc.constantFrom('constant', 'loaded', 'loaded', 'byte', 'pointer'),
  word: fc.oneof(fc.constantFrom(...WORDS), fc.integer({ min: -300, max: 300 }), fc.integer()),
  real: fc.oneof(fc.constantFrom(...REALS), fc.double({ noNaN: true, min: -1e10, max: 1e10 })),
  set: BYTES,
})
const operands = fc.record({ p: fc.integer({ min: -5, max: 70 }), q: fc.integer({ min: -5, max: 70 }), r: fc.nat(60) })

function operand(kind: OperandKind, random: number): number {
  const positive = Math.abs(random)
  if (kind === 'number') return random
  if (kind === 'local') return positive % (FRAME_BYTES - 32)
  if (kind === 'global') return GLOBALS.results + 128 + (positive % 64)
  if (kind === 'bytes') return positive
  if (kind === 'constant') return positive % CONSTANT_BYTES
  return 0
}

/** One instruction: what it pops is pushed, what it pushes is stored, and all globals are written to a file. */
function programOf(
  name: InstructionName,
  values: readonly Pushed[],
  random: { p: number; q: number; r: number },
): Program {
  const row = ROWS[Row[name]] as (typeof ROWS)[number]
  const code = new CodeBuilder()
  const constants = new Uint8Array(CONSTANT_BYTES)
  const view = new DataView(constants.buffer)
  const [reals, sets]: [number[], Uint8Array[]] = [[0.1], [new Uint8Array(32).fill(0x5a)]]
  code.emit(Row.lao, 0, GLOBALS.pointer)
  code.emit(Row.ldci, 0, 40)
  code.emit(Row.csp, 0, Csp.new)
  row.pops.forEach((type: ValueType, i) => {
    const { how, word, real, set } = values[i % values.length] as Pushed
    const at = i * 32
    if (type === 'i' && how === 'constant') code.emit(Row.ldci, 0, word)
    else if (type === 'i' && how === 'pointer') code.emit(Row.ldoa, 0, GLOBALS.pointer)
    else if (type === 'r' && how === 'constant') code.emit(Row.ldcr, 0, reals.push(real) - 1)
    else if ((type === 's' || type === 't') && how === 'constant') {
      code.emit(type === 's' ? Row.ldcs : Row.ldct, 0, sets.push(set) - 1)
    } else {
      view.setInt32(at, word, true)
      if (type === 'r') view.setFloat64(at, real, true)
      if (type === 's' || type === 't') constants.set(set, at)
      code.emit(Row.lca, 0, at)
      code.emit(type === 'i' ? (how === 'byte' ? Row.indx : Row.indi) : Row[`ind${type}`])
    }
  })
  const given = { p: 0, q: 0, r: 0 }
  for (const { word, kind } of row.operands) given[word] = operand(kind, random[word])
  code.emit(Row[name], given.p, given.q, given.r)
  row.pushes.forEach((type, i) => {
    code.emit(Row[`sro${type}`], 0, GLOBALS.results + i * 32)
  })
  code.emit(Row.lodi, 0, FRAME_BYTES - 32)
  code.emit(Row.sroi, 0, GLOBALS.results + 96)
  code.emit(Row.lao, 0, GLOBALS.file)
  code.emit(Row.csp, 0, Csp.rwb)
  code.emit(Row.lao, 0, GLOBALS.file)
  code.emit(Row.lao, 0, GLOBALS.pointer)
  code.emit(Row.ldci, 0, GLOBALS.end - GLOBALS.pointer)
  code.emit(Row.csp, 0, Csp.wbf)
  code.emit(Row.dmp, 0, 4)
  code.emit(Row.stp)
  const main = { name: 'main', parent: -1, params: [], paramOffsets: [], result: undefined, frameBytes: FRAME_BYTES }
  return {
    name: 'one',
    sources: [],
    routines: [{ ...main, variables: [], code: code.finish() }],
    globalBytes: GLOBALS.end,
    globals: [],
    constants,
    reals,
    sets,
    tables: [],
    signatures: [],
    files: [{ name: 'results', offset: GLOBALS.file, text: false, componentBytes: 1 }],
    fileIdBytes: 4,
    undefined: true,
    overflow: true,
  }
}

/** A number of bytes, or an address, that does not lead into the stack, where each engine keeps what it wants; or to nowhere. */
const inGlobals = ({ how, word, ...rest }: Pushed): Pushed => ({
  ...rest,
  how: how === 'pointer' ? 'loaded' : how,
  word: Math.abs(word) < 1 << 20 ? Math.abs(word) % 64 : word,
})

async function outcome(program: Program, engine: 'interpreter' | 'translator') {
  const files = memoryFiles()
  const { problem } = await runProgram(program, { files, engine, memoryBytes: 1 << 20, stackBytes: 1 << 16 })
  // An address that is nowhere may be met before or after part of the work is done; the rest is exact.
  return problem ? { code: problem.code, values: problem.values } : Array.from(files.bytes('results'))
}

const plain = ROW_NAMES.filter(name => {
  const row = ROWS[Row[name]]
  const jumps = ['label', 'table', 'outerLabel', 'routine', 'signature', 'standard']
  const waits = row?.uses !== undefined && STANDARD[row.uses]?.waits
  return row && row.shape === undefined && !waits && name !== 'stp' && row.operands.every(o => !jumps.includes(o.kind))
}).filter(name => !ROWS[Row[name]]?.ends)

describe('an instruction does the same interpreted and translated', () => {
  it.each(plain)('%s', async name => {
    await fc.assert(
      fc.asyncProperty(fc.array(pushed, { minLength: 3, maxLength: 3 }), operands, async (values, random) => {
        const program = programOf(name, name === 'mvv' ? values.map(inGlobals) : values, random)
        expect(await outcome(program, 'translator')).toEqual(await outcome(program, 'interpreter'))
      }),
      { numRuns: 6 },
    )
  })
  it.each([
    ['pck', [-1, 65, 128]],
    ['upk', [128, -1, 65]],
  ] as const)('%s of an address that is in memory only once the index is added', async (name, words) => {
    const set = new Uint8Array(32)
    const values = words.map((word): Pushed => ({ how: word === 65 ? 'constant' : 'loaded', word, real: 0, set }))
    const program = programOf(name, values, { p: 1, q: 0, r: 0 })
    expect(await outcome(program, 'translator')).toEqual(await outcome(program, 'interpreter'))
  })
})
