import { seededEntropy } from '@doppel/base'
import { encode } from '@doppel/engine'
import { expect, test } from 'vitest'
import { createRiscvCpu, type RiscvCpu } from './cpu.ts'
import { rv64gc } from './insn/rv64gc.ts'
import type { Row } from './insn/types.ts'
import type { StateField } from './state.ts'

const RAM = 0x8000_0000
const RAM_BYTES = 1 << 20
const CODE = RAM + 0x1000
const HANDLER = RAM + 0x2000
const DATA = RAM + 0x8000
const DATA_BYTES = 0x2000
const LOOP_FOREVER = 0x0000006f
const SAMPLES = 12
const FIELDS: readonly StateField[] = [
  'priv',
  'fs',
  'fflags',
  'frm',
  'mstatus',
  'mepc',
  'mcause',
  'mtval',
  'mie',
  'mip',
  'mscratch',
  'sscratch',
  'sepc',
  'satp',
  'reservation',
  'reserved',
]

const random = seededEntropy(7n)
const word = (): bigint => {
  const bytes = new Uint8Array(8)
  random.fill(bytes)
  return new DataView(bytes.buffer).getBigUint64(0, true)
}
const below = (limit: number): number => Number(word() % BigInt(limit))
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T

function makeCpu(translateAfter: number): RiscvCpu {
  const bus = { read: () => undefined, write: () => false }
  return createRiscvCpu({ harts: 1, ramBase: RAM, ramBytes: RAM_BYTES, time: () => 99n, bus }, { translateAfter })
}
const interpreted = makeCpu(0)
const translated = makeCpu(1)

interface Situation {
  readonly code: Uint8Array
  readonly data: Uint8Array
  readonly x: readonly bigint[]
  readonly f: readonly bigint[]
  readonly csrs: Readonly<Record<string, bigint>>
  readonly budget: number
}

/** Addresses with room on both sides, some at the ends of pages; integers, small and large; limits. */
const value = (): bigint =>
  pick([
    () => BigInt(DATA + 0x800 + below(0x1000)),
    () => BigInt(DATA + 0x1000 - below(9)),
    () => BigInt(DATA + 0x1000) - (word() & 8n),
    word,
    () => BigInt.asUintN(64, BigInt(below(64) - 32)),
    () => pick([0n, 1n, 1n << 63n, (1n << 63n) - 1n, 1n << 31n, (1n << 64n) - 1n, 0xffff_ffffn]),
  ])()
const float = (): bigint =>
  pick([word, () => 0xffff_ffff_0000_0000n | (word() >> 32n), () => BigInt.asUintN(64, BigInt(below(9)) << 60n)])()

function situation(words: readonly number[]): Situation {
  const code = new Uint8Array(words.length * 4)
  words.forEach((w, i) => new DataView(code.buffer).setUint32(i * 4, w, true))
  const data = new Uint8Array(DATA_BYTES)
  random.fill(data)
  return {
    code,
    data,
    x: Array.from({ length: 32 }, (_, i) => (i === 0 ? 0n : value())),
    f: Array.from({ length: 32 }, float),
    csrs: {
      mstatus: pick([0x6000n, 0x6000n, 0x6000n, 0n]),
      // Mostly as programs run: rounding to nearest, and something inexact already.
      fcsr: pick([1n, 1n, word() & 0x9fn]),
      mscratch: word(),
      mtvec: BigInt(HANDLER),
    },
    budget: words.length + 6,
  }
}

function outcome(cpu: RiscvCpu, s: Situation): string {
  const hart = cpu.harts[0]
  if (!hart) throw new Error('no hart')
  const memory = cpu.memory
  memory.write(CODE, new Uint8Array(0x1000))
  memory.write(CODE, s.code)
  memory.write(HANDLER, new Uint8Array(new Uint32Array([LOOP_FOREVER]).buffer))
  memory.write(DATA, s.data)
  hart.start({ pc: BigInt(CODE), privilege: 3, a0: 0n, a1: 0n })
  for (const field of FIELDS) if (field !== 'priv' && field !== 'mstatus') hart.set(field, 0n)
  hart.writeCsr('mstatus', 0x6000n)
  for (const name of ['fcsr', 'mscratch', 'mtvec', 'mstatus']) hart.writeCsr(name, s.csrs[name] as bigint)
  s.x.forEach((v, i) => hart.setX(i, v))
  s.f.forEach((v, i) => hart.setF(i, v))
  const before = hart.retired
  hart.run(s.budget)
  const data = new Uint8Array(DATA_BYTES)
  memory.read(DATA, data)
  const changed = [...data].flatMap((byte, i) => (byte === s.data[i] ? [] : `${i.toString(16)}:${byte.toString(16)}`))
  const list = (name: string, read: (i: number) => bigint): string[] =>
    Array.from({ length: 32 }, (_, i) => `${name}${i}=${read(i).toString(16)}`)
  return [
    `pc=${hart.pc.toString(16)} retired=${hart.retired - before} memory=${changed.join(' ')}`,
    ...list('x', i => hart.x(i)),
    ...list('f', i => hart.f(i)),
    ...FIELDS.map(field => `${field}=${hart.get(field).toString(16)}`),
  ].join('\n')
}

/** CSRs whose value is not the two tiers' business: counters differ by how often we looked. */
const CSR_NUMBERS = [
  0x001, 0x002, 0x003, 0x300, 0x301, 0x304, 0x340, 0x341, 0x342, 0x140, 0x105, 0x180, 0xc02, 0xb02, 0x7c0,
]

function randomWord(row: Row): number {
  const values: Record<string, number> = {}
  for (const field of row.encoding.fields) {
    do {
      values[field.name] =
        field.name === 'csr'
          ? pick(CSR_NUMBERS)
          : field.name === 'imm' && field.bits > 12
            ? below(8) * 4
            : below(2 ** field.bits)
    } while (field.forbidden.includes(values[field.name] as number))
  }
  return encode(row.encoding, values)
}

test.each(rv64gc.rows.map(row => [row.name, row] as const))(
  '%s is the same interpreted and translated',
  (_name, row) => {
    for (let i = 0; i < SAMPLES; i++) {
      const s = situation([randomWord(row), LOOP_FOREVER])
      expect(outcome(translated, s)).toBe(outcome(interpreted, s))
    }
  },
)

test('straight lines of random instructions are the same interpreted and translated', () => {
  for (let i = 0; i < 150; i++) {
    const words = Array.from({ length: 30 }, () => randomWord(pick(rv64gc.rows)))
    const s = situation([...words, LOOP_FOREVER])
    expect(outcome(translated, s), words.map(w => w.toString(16)).join(' ')).toBe(outcome(interpreted, s))
  }
})

test('the second of the two really translates', () => {
  expect(translated.engine.stats.regions).toBeGreaterThan(rv64gc.rows.length)
  expect(interpreted.engine.stats.regions).toBe(0)
})

test('no word is two instructions', () => {
  for (let narrow = 0; narrow < 0x10000; narrow++) {
    if ((narrow & 3) !== 3) expect(rv64gc.matching(narrow).length).toBeLessThan(2)
  }
  for (const [i, a] of rv64gc.rows.entries()) {
    for (const b of rv64gc.rows.slice(i + 1)) {
      const common = a.encoding.mask & b.encoding.mask
      const overlap = ((a.encoding.match ^ b.encoding.match) & common) === 0
      // Where fixed bits agree, only an excluded field value can keep the two apart.
      if (overlap)
        expect(rv64gc.matching((a.encoding.match | b.encoding.match) >>> 0), `${a.name} ${b.name}`).toHaveLength(1)
    }
  }
})
