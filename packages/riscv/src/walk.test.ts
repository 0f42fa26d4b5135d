import { seededEntropy } from '@doppel/base'
import { Frames, type PhysicalLayout } from '@doppel/engine'
import { I32, I64, ModuleBuilder } from '@doppel/wasm'
import { expect, test } from 'vitest'
import { parseSatp, Walker } from './paging.ts'
import { Access, Pmp } from './pmp.ts'
import { STATE } from './state.ts'
import { Walk, writeTranslate } from './walk.ts'

const RAM = 0x8000_0000
const RAM_BYTES = 1 << 20
const PAGE = 4096
const STATE_AT = 0
const FRAME_TABLE = 8192
const FIRST_FRAME = 65_536
const TLB = 2 << 20
const SIMPLE = 0x3f_ffffn
const ACCESSED = 64n
const ACCESSED_DIRTY = 192n

const random = seededEntropy(11n)
const below = (limit: number): number => {
  const bytes = new Uint8Array(4)
  random.fill(bytes)
  return ((new DataView(bytes.buffer).getUint32(0) / 2 ** 32) * limit) | 0
}

/** The generated walk and the host's, over one memory of page tables. */
function walks() {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 })
  const physical: PhysicalLayout = {
    ramBase: RAM,
    ramPages: RAM_BYTES / PAGE,
    frameTable: FRAME_TABLE,
    codeTable: 0,
    dirty: 0,
    fetched: 0,
    codeBase: 0,
    codeBytes: 0,
    writeNotes: undefined,
  }
  const frames = new Frames(memory.buffer, RAM, RAM_BYTES, FIRST_FRAME, FRAME_TABLE)
  const module = new ModuleBuilder()
  module.importMemory('test', 'memory', { min: 1 })
  const walk = module.declare('walk', { kind: 'func', params: [I32, I64, I32], results: [I64] })
  const fn = module.build(walk)
  writeTranslate(fn, physical)
  module.finish(fn)
  module.export('walk', 'func', walk.index)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { test: { memory } })
  // Notes of large pages go beyond everything else.
  new Int32Array(memory.buffer)[(STATE_AT + STATE.common.tlb) / 4] = TLB
  const pmp = new Pmp()
  pmp.writeAddress(0, (1n << 54n) - 1n)
  pmp.writeConfig(0, 0x1fn)
  return {
    generated: instance.exports.walk as (state: number, address: bigint, access: number) => bigint,
    walker: new Walker(frames, new Int32Array(memory.buffer), pmp),
    longs: new BigUint64Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    frames,
  }
}

test('random page tables: the generated walk finds what the host finds, or leaves it to the host', () => {
  const { generated, walker, longs, words, frames } = walks()
  // Every page of RAM is a table, and an entry leads to any of them, a little more often downwards than to a leaf.
  const pages = RAM_BYTES / PAGE
  for (let page = 0; page < pages; page++) {
    const at = frames.frame(page) / 8
    for (let i = 0; i < 512; i++) {
      const ppn = BigInt(below(64) === 0 ? below(2 ** 31) : RAM / PAGE + below(pages))
      const aligned = below(3) === 0 ? ppn & ~0x1ffn : ppn
      const flags = below(2) === 0 ? 1 : below(8) === 0 ? below(256) : 0xc0 | below(64) | 1
      const high = below(50) === 0 ? BigInt(below(1024)) << 54n : 0n
      longs[at + i] = high | (aligned << 10n) | BigInt(flags)
    }
  }
  let found = 0
  for (let i = 0; i < 40_000; i++) {
    const satp = parseSatp((BigInt(8 + below(3)) << 60n) | BigInt(RAM / PAGE + below(pages)))
    if (!satp) throw new Error('no such mode')
    walker.satp = satp
    const rules = { privilege: below(2), sum: below(2) === 1, mxr: below(2) === 1 }
    const address = BigInt(below(2 ** 31)) << BigInt(below(34))
    const signed = BigInt.asIntN(12 + 9 * satp.levels, address)
    const gva = below(20) === 0 ? address : signed
    const access = below(3)
    words[(STATE_AT + STATE.fields.walk) / 4] =
      satp.levels |
      Walk.open |
      Walk.fetches |
      (rules.privilege === 0 ? Walk.user : 0) |
      (rules.sum ? Walk.sum : 0) |
      (rules.mxr ? Walk.mxr : 0)
    longs[(STATE_AT + STATE.fields.root) / 8] = BigInt(satp.root)
    const low = Number(BigInt.asIntN(32, gva))
    const high = Number(BigInt.asIntN(32, gva >> 32n))
    const expected = walker.translate(
      low,
      high,
      ([Access.read, Access.write, Access.execute] as const)[access] as number,
      rules,
    )
    const answer = generated(STATE_AT, gva, access)
    if (answer === -1n) continue
    found++
    expect(answer).toBe(BigInt(expected))
  }
  expect(found).toBeGreaterThan(1000)
})

test('what a kernel maps is found without the host', () => {
  const { generated, walker, longs, words, frames } = walks()
  longs[frames.frame(0) / 8] = (BigInt(RAM / PAGE + 1) << 10n) | 1n
  longs[frames.frame(1) / 8] = (BigInt(RAM / PAGE + 2) << 10n) | 1n
  const leaf = frames.frame(2) / 8
  words[(STATE_AT + STATE.fields.walk) / 4] = 3 | Walk.open
  longs[(STATE_AT + STATE.fields.root) / 8] = BigInt(RAM)
  walker.satp = { levels: 3, root: RAM }
  const map = (flags: bigint): void => {
    longs[leaf] = (BigInt(RAM / PAGE + 9) << 10n) | flags
  }
  map(0x07n | ACCESSED_DIRTY)
  expect(generated(STATE_AT, 0x123n, 0)).toBe(BigInt(RAM + 9 * PAGE + 0x123))
  expect(generated(STATE_AT, 0x123n, 1)).toBe(BigInt(RAM + 9 * PAGE + 0x123))
  // A first write sets D, if hardware does that at all: the host's business.
  map(0x07n | ACCESSED)
  expect(generated(STATE_AT, 0x123n, 0)).toBe(BigInt(RAM + 9 * PAGE + 0x123))
  expect(generated(STATE_AT, 0x123n, 1)).toBe(-1n)
  expect(generated(STATE_AT, SIMPLE << 12n, 0)).toBe(-1n)
})
