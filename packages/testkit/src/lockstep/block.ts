import type { RandomSource } from '../random.ts'
import { anyFloat, anyInteger } from './choices.ts'
import {
  branch,
  control,
  fence,
  type Item,
  jump,
  lines,
  type Mode,
  one,
  REGISTERS,
  reserved,
  trap,
  trapReturn,
  wildJump,
} from './items.ts'
import { DATA, DATA_BYTES, DESCRIPTOR, TABLES, TABLES_AS_USER, USER_CODE, WINDOW, WINDOW_PAGES } from './layout.ts'

/** A piece of straight code between two checkpoints, and everything it starts from. */
export interface Block {
  readonly mode: Mode
  /** Guest-virtual addresses of its first instruction and of the ecall that ends it. */
  readonly start: bigint
  readonly end: bigint
  readonly code: Uint8Array
  /** As the runtime reads it. */
  readonly descriptor: BigUint64Array
}

const MIN_ITEMS = 12
const MAX_ITEMS = 40
const MAX_ROUNDS = 40
const ECALL = [0x73, 0, 0, 0]
const SV39 = 8n << 60n

/** `locks`: lr and sc come in it, and so nothing that could make their page another: QEMU's failing sc never faults. */
interface Style {
  readonly mode: Mode
  readonly locks: boolean
}

/** What a block is made of, by weight. */
const WEIGHTS: readonly (readonly [weight: number, make: (random: RandomSource, style: Style) => readonly Item[]])[] = [
  [34, random => [one(random, 'plain')]],
  [20, random => [one(random, 'memory')]],
  [18, random => [one(random, 'float')]],
  [9, random => [branch(random)]],
  [5, random => [one(random, 'atomic')]],
  [3, (random, { mode, locks }) => [control(random, mode, locks)]],
  [2, (random, { locks }) => (locks ? reserved(random) : [])],
  [2, random => [jump(random)]],
  [1, (random, { mode, locks }) => [fence(random, mode, locks)]],
  [1, (random, { mode }) => [trap(random, mode)]],
]
const TOTAL = WEIGHTS.reduce((sum, [weight]) => sum + weight, 0)

function anyItems(random: RandomSource, style: Style): readonly Item[] {
  // Rare, because the rest of the block is hardly run, or in another mode.
  if (random.oneIn(300)) return [wildJump(random)]
  if (style.mode !== 'U' && !style.locks && random.oneIn(200)) return [trapReturn(random, style.mode)]
  let at = random.below(TOTAL)
  const entry = WEIGHTS.find(([weight]) => (at -= weight) < 0)
  return entry ? entry[1](random, style) : []
}

/** Items one after the other; jumps find their targets among them, so nothing jumps into a loop. */
function compose(random: RandomSource, style: Style, count: number, mayLoop: boolean): Item {
  const items: Item[] = []
  while (items.length < count) {
    if (mayLoop && random.oneIn(9)) items.push(loop(random, style))
    else items.push(...anyItems(random, style))
  }
  const offsets = [0]
  for (const item of items) offsets.push((offsets.at(-1) as number) + item.bytes)
  return {
    bytes: offsets.at(-1) as number,
    skip: 0,
    code: () =>
      items.flatMap((item, i) => {
        const target = offsets[Math.min(items.length, i + 1 + item.skip)] as number
        return item.code(target - (offsets[i] as number))
      }),
  }
}

function loop(random: RandomSource, style: Style): Item {
  const counter = `x${REGISTERS.loop}`
  const before = lines(random, `addi ${counter}, zero, ${1 + random.below(MAX_ROUNDS)}`)
  const body = compose(random, style, 2 + random.below(10), false)
  const back = lines(random, `addi ${counter}, ${counter}, -1\nbne ${counter}, zero, ${-body.bytes}`)
  return {
    bytes: before.bytes + body.bytes + back.bytes,
    skip: 0,
    code: () => [...before.code(0), ...body.code(0), ...back.code(0)],
  }
}

/** Generates the block whose code begins at guest-physical `at`. */
export function generateBlock(random: RandomSource, at: number): Block {
  const mode = random.pick(['M', 'M', 'S', 'S', 'U'] as const)
  // M-mode sees page tables only through MPRV, and then as U-mode does.
  const paged = mode === 'M' ? random.oneIn(4) : !random.oneIn(4)
  const body = compose(random, { mode, locks: random.oneIn(2) }, MIN_ITEMS + random.below(MAX_ITEMS - MIN_ITEMS), true)
  const code = Uint8Array.from([...body.code(0), ...ECALL])
  const base = BigInt(at) + (mode === 'U' && paged ? BigInt(USER_CODE) : 0n)
  const end = base + BigInt(body.bytes)
  return { mode, start: base, end, code, descriptor: describe(random, mode, paged, base, end) }
}

const STATUS_FS = 13n
const MPP: Readonly<Record<Mode, bigint>> = { U: 0n, S: 1n << 11n, M: 3n << 11n }
const MPRV = 1n << 17n
/** SIE, SPIE, SPP, SUM, MXR; TVM, TW, TSR. */
const OPTIONAL = [1n << 1n, 1n << 5n, 1n << 8n, 1n << 18n, 1n << 18n, 1n << 19n, 1n << 20n, 1n << 21n, 1n << 22n]
/** All exceptions that can be delegated but S-mode's ecall, with which S-mode's handler reports to us. */
const DELEGABLE = 0xb1ffn

function describe(random: RandomSource, mode: Mode, paged: boolean, start: bigint, end: bigint): BigUint64Array {
  const units = new BigUint64Array(DESCRIPTOR.units)
  units[DESCRIPTOR.start] = start
  units[DESCRIPTOR.end] = end
  let status = MPP[mode] | (random.oneIn(20) ? 0n : BigInt(1 + random.below(3)) << STATUS_FS)
  if (mode === 'M' && paged) status |= MPRV
  for (const bit of OPTIONAL) if (random.oneIn(4)) status |= bit
  units[DESCRIPTOR.mstatus] = status
  units[DESCRIPTOR.satp] = paged ? SV39 | BigInt((mode === 'M' ? TABLES_AS_USER : TABLES) / 4096) : 0n
  // S-mode cannot fetch its handler where the code is U-mode's.
  const delegates = random.oneIn(2) && !(mode === 'M' && paged)
  units[DESCRIPTOR.medeleg] = delegates ? random.bits64() & DELEGABLE : 0n
  units[DESCRIPTOR.fcsr] = BigInt(random.oneIn(12) ? random.below(256) : random.below(5) * 32 + random.below(32))
  const window = paged
  for (let i = 1; i < 32; i++) units[DESCRIPTOR.x + i - 1] = anyInteger(random)
  for (const register of REGISTERS.pointers) units[DESCRIPTOR.x + register - 1] = pointer(random, window)
  units[DESCRIPTOR.x + REGISTERS.lock - 1] = BigInt((window ? WINDOW : DATA) + random.below(512) * 8)
  for (let i = 0; i < 32; i++) units[DESCRIPTOR.f + i] = anyFloat(random)
  for (let i = 0; i < WINDOW_PAGES; i++) units[DESCRIPTOR.ptes + i] = pageEntry(random, mode !== 'S', i === 0)
  return units
}

/** Somewhere in the data, often aligned, often at the end of a page. */
function pointer(random: RandomSource, window: boolean): bigint {
  const pages = window ? WINDOW_PAGES : DATA_BYTES / 4096
  const page = random.below(pages) * 4096
  const offset = random.oneIn(3) ? 4096 - random.below(16) : random.below(512) * 8
  return BigInt((window ? WINDOW : DATA) + page + (random.oneIn(4) ? offset : offset & ~7))
}

const PTE = { v: 1n, r: 2n, w: 4n, x: 8n, u: 16n, g: 32n, a: 64n, d: 128n } as const
const RESERVED_OR_TYPE = [1n << 54n, 1n << 60n, 1n << 61n, 1n << 62n]

function pageEntry(random: RandomSource, user: boolean, lock: boolean): bigint {
  const page = BigInt((DATA + random.below(DATA_BYTES / 4096) * 4096) / 4096) << 10n
  const owner = user ? PTE.u : 0n
  const good = page | PTE.v | PTE.r | PTE.w | owner
  if (lock) return good | PTE.a | PTE.d
  switch (random.below(12)) {
    case 0:
      return 0n
    case 1:
      return good & ~PTE.w
    case 2:
      return good & ~PTE.r
    case 3:
      return (good & ~(PTE.r | PTE.w)) | PTE.x | PTE.a
    case 4:
      return good ^ PTE.u
    case 5:
      return good | random.pick(RESERVED_OR_TYPE)
    case 6:
      return page | PTE.v
    case 7:
      return good | PTE.g | PTE.a
    default:
      return good | (random.oneIn(2) ? PTE.a | PTE.d : 0n)
  }
}
