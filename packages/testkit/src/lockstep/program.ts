import { seededEntropy } from '@doppel/base'
import { RandomSource } from '../random.ts'
import { type Block, generateBlock } from './block.ts'
import {
  BLOCKS,
  DATA,
  DATA_BYTES,
  DESCRIPTOR,
  DESCRIPTORS,
  LOG,
  LOG_END,
  RAM,
  TABLES,
  TABLES_AS_USER,
  USER_CODE,
  WINDOW,
} from './layout.ts'
import { runtimeBytes } from './runtime.ts'

/** A program to be run on both sides: what to put where in RAM. */
export interface Program {
  readonly blocks: readonly Block[]
  readonly segments: readonly { readonly at: number; readonly bytes: Uint8Array }[]
}

const PTE_TABLE = 1n
/** V, R, X, A and D; and U for the copy that U-mode sees. */
const CODE_PAGE = 0xcbn
const USER = 0x10n
const WRITABLE = 4n
const GIB = 1 << 30

/** Generates a program of `count` blocks, always the same for a seed. */
export function generateProgram(seed: bigint, count: number): Program {
  const random = new RandomSource(seededEntropy(seed))
  const blocks: Block[] = []
  let at = BLOCKS
  for (let i = 0; i < count; i++) {
    const block = generateBlock(random, at)
    blocks.push(block)
    at += (block.code.length + 1) & ~1
    // Blocks begin anywhere in a page, also two bytes before its end.
    if (random.oneIn(3)) at += random.below(64) * 2
  }
  const data = new Uint8Array(DATA_BYTES)
  for (let i = 0; i < data.length; i++) data[i] = random.below(256)
  return programOf(blocks, data)
}

/** Lays a program out. */
function programOf(blocks: readonly Block[], data: Uint8Array): Program {
  const last = blocks.at(-1)
  const codeEnd = last ? physical(last.start) + last.code.length : BLOCKS
  const units = DESCRIPTOR.units
  const recordBytes = 8192
  if (codeEnd > DESCRIPTORS || LOG + blocks.length * recordBytes > LOG_END) throw new Error('too many blocks')
  const code = new Uint8Array(codeEnd - BLOCKS)
  const descriptors = new BigUint64Array((blocks.length + 1) * units)
  blocks.forEach((block, i) => {
    code.set(block.code, physical(block.start) - BLOCKS)
    descriptors.set(block.descriptor, i * units)
  })
  const root = new BigUint64Array(512)
  root[Math.floor(WINDOW / GIB)] = pte(TABLES + 0x1000, PTE_TABLE)
  root[Math.floor(RAM / GIB)] = pte(RAM, CODE_PAGE)
  root[Math.floor((RAM + USER_CODE) / GIB)] = pte(RAM, CODE_PAGE | USER)
  // M-mode's loads as U-mode (MPRV) may read the code too: QEMU 7.2 takes what it translated for fetches.
  const asUser = root.slice()
  asUser[Math.floor(RAM / GIB)] = pte(RAM, CODE_PAGE | USER | WRITABLE)
  const middle = new BigUint64Array(512)
  middle[(WINDOW >>> 21) & 511] = pte(TABLES + 0x2000, PTE_TABLE)
  const bytes = (words: BigUint64Array<ArrayBuffer>): Uint8Array => new Uint8Array(words.buffer)
  return {
    blocks,
    segments: [
      { at: RAM, bytes: runtimeBytes() },
      { at: BLOCKS, bytes: code },
      { at: DESCRIPTORS, bytes: bytes(descriptors) },
      { at: DATA, bytes: data },
      { at: TABLES, bytes: bytes(root) },
      { at: TABLES_AS_USER, bytes: bytes(asUser) },
      { at: TABLES + 0x1000, bytes: bytes(middle) },
    ],
  }
}

/** The same program, ended after `count` blocks. */
export function firstBlocks(program: Program, count: number): Program {
  const segments = program.segments.map(({ at, bytes }) =>
    at === DESCRIPTORS ? { at, bytes: bytes.slice(0, count * DESCRIPTOR.units * 8) } : { at, bytes },
  )
  return { blocks: program.blocks.slice(0, count), segments }
}

/** Where code lies in memory, whatever address it runs at. */
export function physical(pc: bigint): number {
  return Number(BigInt.asUintN(32, pc))
}
const pte = (address: number, flags: bigint): bigint => (BigInt(address / 4096) << 10n) | flags
