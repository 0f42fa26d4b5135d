import { Frames } from '@doppel/engine'
import { expect, test } from 'vitest'
import type { AccessRules } from './access-rules.ts'
import { parseSatp, Walker } from './paging.ts'
import { Access, Pmp } from './pmp.ts'

const RAM = 0x8000_0000
const ROOT = RAM + 0x1000
const PAGE = 4096
const [V, R, W, X, U, A, D] = [1n, 2n, 4n, 8n, 16n, 64n, 128n]
const ALL = V | R | W | X | A | D
const N = 1n << 63n
const SUPERVISOR: AccessRules = { privilege: 1, sum: false, mxr: false }
const LOAD_FAULT = 13
const STORE_FAULT = 15
const FETCH_FAULT = 12

/** Tables are laid one page after another from ROOT; `map` writes a path of entries and returns the leaf's address. */
function paging(mode: 8 | 9 | 10) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 })
  const frames = new Frames(memory.buffer, RAM, 1 << 20, 4096)
  const pmp = new Pmp()
  pmp.writeAddress(0, (1n << 54n) - 1n)
  pmp.writeConfig(0, 0x1fn)
  const walker = new Walker(frames, new Int32Array(memory.buffer), pmp)
  const satp = parseSatp((BigInt(mode) << 60n) | BigInt(ROOT / PAGE))
  if (!satp) throw new Error('no such mode')
  walker.satp = satp
  let free = ROOT + PAGE
  const write = (address: number, entry: bigint): void => {
    frames.write(address, new Uint8Array(new BigUint64Array([BigInt.asUintN(64, entry)]).buffer))
  }
  const read = (address: number): bigint => {
    const bytes = new Uint8Array(8)
    frames.read(address, bytes)
    return new DataView(bytes.buffer).getBigUint64(0, true)
  }
  const indexAt = (gva: bigint, level: number): number => Number((gva >> BigInt(12 + 9 * level)) & 0x1ffn)
  /** Maps the page (or, above level 0, superpage) of `gva` to physical page number `ppn`. */
  const map = (gva: bigint, ppn: bigint, flags: bigint, leafLevel = 0): number => {
    let table = ROOT
    for (let level = satp.levels - 1; level > leafLevel; level--) {
      const at = table + indexAt(gva, level) * 8
      if (read(at) === 0n) {
        write(at, (BigInt(free / PAGE) << 10n) | V)
        free += PAGE
      }
      table = Number((read(at) >> 10n) * 4096n)
    }
    const at = table + indexAt(gva, leafLevel) * 8
    write(at, (ppn << 10n) | flags)
    return at
  }
  const translate = (gva: bigint, access: number = Access.read, rules = SUPERVISOR): number | string => {
    const gpa = walker.translate(Number(BigInt.asIntN(32, gva)), Number(BigInt.asIntN(32, gva >> 32n)), access, rules)
    return gpa >= 0 ? gpa : `cause ${walker.cause}`
  }
  return { walker, map, translate, read, pmp }
}

test.each([
  [8, 38],
  [9, 47],
  [10, 56],
] as const)('satp mode %d translates both halves of its address space, and nothing between', (mode, topBit) => {
  const { map, translate } = paging(mode)
  const high = BigInt.asUintN(64, -1n << BigInt(topBit))
  map(0x1234_5000n, 0x80055n, ALL)
  map(high, 0x80066n, ALL)
  expect(translate(0x1234_5678n)).toBe(0x80055_678)
  expect(translate(high | 0xabcn)).toBe(0x80066_abc)
  expect(translate(1n << BigInt(topBit))).toBe(`cause ${LOAD_FAULT}`)
  expect(translate(0x1234_6000n)).toBe(`cause ${LOAD_FAULT}`)
})

test('superpages map their whole size, and must be aligned', () => {
  const { map, translate } = paging(8)
  map(0x4000_0000n, 0x80000n, ALL, 2)
  map(0x20_0000n, 0x80200n, ALL, 1)
  map(0x40_0000n, 0x80201n, ALL, 1)
  expect(translate(0x4765_4321n)).toBe(0x8765_4321)
  expect(translate(0x3f_fff8n)).toBe(0x803f_fff8)
  expect(translate(0x40_0000n)).toBe(`cause ${LOAD_FAULT}`)
})

test('Svnapot: sixteen pages under one entry, other sizes reserved', () => {
  const { map, translate } = paging(8)
  for (let i = 0n; i < 16n; i++) map(0x10000n + i * 4096n, 0x80048n, ALL | N)
  map(0x30000n, 0x80044n, ALL | N)
  expect(translate(0x17_123n)).toBe(0x80047_123)
  expect(translate(0x1f_ffcn)).toBe(0x8004f_ffc)
  expect(translate(0x30000n)).toBe(`cause ${LOAD_FAULT}`)
})

test('Svpbmt: memory types only where allowed, and the fourth never', () => {
  const { walker, map, translate } = paging(8)
  map(0x1000n, 0x80010n, ALL | (1n << 61n))
  map(0x2000n, 0x80010n, ALL | (3n << 61n))
  expect(translate(0x1000n)).toBe(`cause ${LOAD_FAULT}`)
  walker.memoryTypes = true
  expect(translate(0x1000n)).toBe(0x80010_000)
  expect(translate(0x2000n)).toBe(`cause ${LOAD_FAULT}`)
})

test('Svade faults where A or D is missing; Svadu sets them', () => {
  const { walker, map, translate, read } = paging(8)
  const entry = map(0x1000n, 0x80010n, V | R | W)
  expect(translate(0x1000n)).toBe(`cause ${LOAD_FAULT}`)
  expect(translate(0x1000n, Access.write)).toBe(`cause ${STORE_FAULT}`)
  walker.updatesAccessed = true
  expect(translate(0x1000n)).toBe(0x80010_000)
  expect(read(entry) & (A | D)).toBe(A)
  expect(translate(0x1000n, Access.write)).toBe(0x80010_000)
  expect(read(entry) & (A | D)).toBe(A | D)
})

test('permissions: user pages, SUM, MXR, and write without read', () => {
  const { map, translate } = paging(8)
  map(0x1000n, 0x80010n, ALL | U)
  map(0x2000n, 0x80011n, V | X | A)
  map(0x3000n, 0x80012n, V | W | A | D)
  const user = { ...SUPERVISOR, privilege: 0 }
  expect(translate(0x1000n, Access.read, user)).toBe(0x80010_000)
  expect(translate(0x1000n)).toBe(`cause ${LOAD_FAULT}`)
  expect(translate(0x1000n, Access.read, { ...SUPERVISOR, sum: true })).toBe(0x80010_000)
  expect(translate(0x1000n, Access.execute, { ...SUPERVISOR, sum: true })).toBe(`cause ${FETCH_FAULT}`)
  expect(translate(0x2000n, Access.read, user)).toBe(`cause ${LOAD_FAULT}`)
  expect(translate(0x2000n)).toBe(`cause ${LOAD_FAULT}`)
  expect(translate(0x2000n, Access.read, { ...SUPERVISOR, mxr: true })).toBe(0x80011_000)
  expect(translate(0x2000n, Access.execute)).toBe(0x80011_000)
  expect(translate(0x3000n, Access.write)).toBe(`cause ${STORE_FAULT}`)
})

test('tables outside memory, or kept from us by PMP, are access faults', () => {
  const { walker, pmp, map, translate } = paging(8)
  map(0x1000n, 0x80010n, ALL)
  pmp.writeConfig(0, 0n)
  expect(translate(0x1000n)).toBe('cause 5')
  walker.satp = { levels: 3, root: 0x1000 }
  pmp.writeConfig(0, 0x1fn)
  expect(translate(0x1000n)).toBe('cause 5')
})

test('PMP: the lowest entry that touches an access decides, ranges by TOR, NA4 and NAPOT', () => {
  const pmp = new Pmp()
  const napot = (base: number, bytes: number): bigint => BigInt(base / 4) | BigInt(bytes / 8 - 1)
  pmp.writeAddress(0, BigInt(0x8000_1000 / 4))
  pmp.writeAddress(1, BigInt(0x8000_2000 / 4))
  pmp.writeAddress(2, BigInt(0x8000_3000 / 4))
  pmp.writeAddress(3, napot(0x8000_0000, 0x10000))
  // 0: off, 1: TOR read only, 2: NA4 nothing, 3: NAPOT all.
  pmp.writeConfig(0, 0x1f_10_09_00n)
  expect(pmp.allows(0x8000_1ff8, 8, Access.read, 1)).toBe(true)
  expect(pmp.allows(0x8000_1ff8, 8, Access.write, 1)).toBe(false)
  expect(pmp.allows(0x8000_1ffc, 8, Access.read, 1)).toBe(false)
  expect(pmp.allows(0x8000_3000, 4, Access.read, 1)).toBe(false)
  expect(pmp.allows(0x8000_3004, 4, Access.write, 1)).toBe(true)
  expect(pmp.allows(0x8001_0000, 4, Access.read, 1)).toBe(false)
  expect(pmp.allows(0x8001_0000, 4, Access.read, 3)).toBe(true)
  expect(pmp.isUniform(0x8000_3800)).toBe(false)
  expect(pmp.isUniform(0x8000_4000)).toBe(true)
})

test('PMP: a locked entry binds M-mode and cannot be changed', () => {
  const pmp = new Pmp()
  pmp.writeAddress(0, BigInt(0x8000_0000 / 4) | 0x1ffn)
  pmp.writeConfig(0, 0x99n)
  pmp.writeConfig(0, 0x1fn)
  pmp.writeAddress(0, 0n)
  expect(pmp.readConfig(0)).toBe(0x99n)
  expect(pmp.allows(0x8000_0000, 4, Access.read, 3)).toBe(true)
  expect(pmp.allows(0x8000_0000, 4, Access.write, 3)).toBe(false)
})
