import { assemble, encode } from '@doppel/engine'
import { riscvAssembly, rv64gc } from '@doppel/riscv'
import { type RandomSource, randomFields } from '../random.ts'
import { type Choice, CHOICES, type Kind } from './choices.ts'

/** Registers with a purpose: what they hold must survive. */
export const REGISTERS = {
  /** Counts a loop's rounds. */
  loop: 28,
  /** The address that lr and sc use: in a page that is always there. */
  lock: 21,
  /** Where bases of loads and stores point into the data; seldom overwritten. */
  pointers: [2, 8, 9, 10, 20],
} as const

/** The privilege a block starts in. */
export type Mode = 'M' | 'S' | 'U'

/** A piece of a block: instructions whose text may name a label behind a later piece. */
export interface Item {
  readonly bytes: number
  /** The pieces that follow it and are jumped over; 0 for no jump. */
  readonly skip: number
  /** The item's bits, given how far behind its first byte the jump's target is. */
  readonly code: (distance: number) => readonly number[]
}

const MAX_SKIP = 5
const PROTECTED = new Set<number>([REGISTERS.loop, REGISTERS.lock])
const POINTERS = new Set<number>(REGISTERS.pointers)

const fixed = (bits: readonly number[], bytes: number): Item => ({ bytes, skip: 0, code: () => bits })

/** Assembled lines; `$d` is the distance to the jump's target, `$a` and so on are random registers. */
export function lines(random: RandomSource, text: string, skip = 0): Item {
  const registers = new Map<string, string>()
  const named = text.replace(/\$([a-c])/g, (_, letter: string) => {
    const register = registers.get(letter) ?? `x${destination(random, false)}`
    registers.set(letter, register)
    return register
  })
  const bits = (distance: number): Uint8Array =>
    assemble(riscvAssembly, named.replaceAll('$d', String(distance)), { origin: 0n }).bytes
  return { bytes: bits(64).length, skip, code: distance => Array.from(bits(distance)) }
}

/** A register to write: hardly ever a pointer, never one with a purpose, perhaps x0. */
function destination(random: RandomSource, zero = true): number {
  for (;;) {
    const register = random.below(32)
    if (PROTECTED.has(register) || (register === 0 && !zero)) continue
    if (!POINTERS.has(register) || random.oneIn(12)) return register
  }
}

const files = new Map(
  [...riscvAssembly.byName.values()].map(({ name, operands }) => {
    const rd = operands.find(o => o.kind === 'register' && typeof o.field === 'object' && o.field.name === 'rd')
    return [name, rd?.kind === 'register' ? rd.file : undefined]
  }),
)

/** One instruction of a kind, with random operands fit for it. */
function instruction(random: RandomSource, kind: Kind): { row: Choice; bits: number } {
  for (;;) {
    const row = random.pick(CHOICES.get(kind) as readonly Choice[])
    const given: Record<string, number> = {}
    const bias = (name: string): number | undefined => row.encoding.fields.find(f => f.name === name)?.bias
    if ((kind === 'memory' || kind === 'atomic') && bias('rs1') !== undefined && !random.oneIn(8)) {
      const short = bias('rs1') === 8
      given.rs1 = random.pick(REGISTERS.pointers.filter(r => !short || (r >= 8 && r < 16)))
    }
    // The three-bit fields name none of the registers with a purpose.
    if (bias('rd') === 0 && files.get(row.name) === 'x') given.rd = destination(random)
    const bits = randomFields(random, row.encoding, given)
    if (rv64gc.matching(bits)[0] === row.name) return { row, bits }
  }
}

const halves = (bits: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => (bits >>> (8 * i)) & 0xff)

/** One instruction of a kind. */
export function one(random: RandomSource, kind: Kind): Item {
  const { row, bits } = instruction(random, kind)
  return fixed(halves(bits, row.bytes), row.bytes)
}

/** A conditional branch over the next few items. */
export function branch(random: RandomSource): Item {
  const { row, bits } = instruction(random, 'branch')
  const imm = row.encoding.fields.find(f => f.name === 'imm')
  const mask = imm ? encode({ ...row.encoding, match: 0, fields: [imm] }, { imm: -2 }) : 0
  return {
    bytes: row.bytes,
    skip: 1 + random.below(MAX_SKIP),
    code: distance => halves((bits & ~mask) | (encode(row.encoding, { imm: distance }) & mask), row.bytes),
  }
}

/** A jump over the next few items: direct, or through a register. */
export function jump(random: RandomSource): Item {
  const skip = 1 + random.below(MAX_SKIP)
  const rd = `x${destination(random)}`
  const far = random.below(64) * 2
  return random.pick([
    () => lines(random, `jal ${rd}, $d`, skip),
    () => lines(random, 'c.j $d', skip),
    () => lines(random, `auipc $a, 0\njalr ${rd}, $d($a)`, skip),
    // Bit 0 of a computed target is dropped.
    () => lines(random, `auipc $a, 0\naddi $a, $a, ${1 + far}\njalr ${rd}, $d-${far}($a)`, skip),
    () => lines(random, 'auipc $a, 0\naddi $a, $a, $d\nc.jr $a', skip),
    () => lines(random, 'auipc $a, 0\naddi $a, $a, $d\nc.jalr $a', skip),
  ])()
}

/** lr and sc of one width: after lr.d and sc.w, QEMU 7.2 stores and says that it failed. */
export function reserved(random: RandomSource): Item[] {
  const width = random.pick(['w', 'd'])
  const order = (): string => random.pick(['', '.aq', '.rl', '.aqrl'])
  const lock = `x${REGISTERS.lock}`
  const between = Array.from({ length: random.below(3) }, () => one(random, random.pick(['plain', 'float'])))
  return [
    lines(random, `lr.${width}${order()} x${destination(random)}, (${lock})`),
    ...between,
    lines(random, `sc.${width}${order()} x${destination(random)}, x${random.below(32)}, (${lock})`),
  ]
}

const FLOAT_CSRS = ['fflags', 'frm', 'fcsr']
/** Read without a write before: not the trap values that QEMU 7.2 chooses otherwise. */
const READ: Readonly<Record<Mode, readonly string[]>> = {
  U: ['cycle', 'time', 'instret', 'hpmcounter3', 'sstatus', 'mstatus', '0x7c0', '0x5a0', 'mvendorid'],
  S: ['sstatus', 'sepc', 'satp', 'stvec', 'mstatus', 'mscratch', 'cycle', 'hpmcounter31', '0xc20', '0x008', '0x7c0'],
  M: ['mstatus', 'sstatus', 'mepc', 'sepc', 'satp', 'medeleg', 'mideleg', 'mtvec', 'stvec', 'mhartid', 'mie', '0x5c0'],
}
/**
 * Written, then read. Not scounteren, of which QEMU 7.2 keeps 64 bits for 32 (Priv. §4.1.5), nor sepc and mepc, of which it
 * keeps bit 0; nor scause, by which we know where stval may differ.
 */
const WRITTEN: Readonly<Record<Mode, readonly string[]>> = {
  U: [...FLOAT_CSRS, 'sscratch', 'mepc', 'satp', 'cycle'],
  S: [...FLOAT_CSRS, 'sscratch', 'stval', 'mepc', 'medeleg', 'mhartid'],
  M: [...FLOAT_CSRS, 'sscratch', 'stval', 'mcause', 'mtval', 'mhartid', '0xf11', '0x8ff'],
}
/** Changed bit by bit. Not read-only ones: QEMU 7.2 goes by the value, not by the name x0, to tell a write (Zicsr). */
const CHANGED: Readonly<Record<Mode, readonly string[]>> = {
  U: [...FLOAT_CSRS, 'sscratch'],
  S: [...FLOAT_CSRS, 'sscratch'],
  M: [...FLOAT_CSRS, 'sscratch'],
}
/** Upper bits (lui) of status fields that a block may change as it runs: FS, SUM, MXR; M-mode also MPRV, TVM, TW, TSR. */
const MPRV = 0x20
const FS = 0x6
const STATUS_BITS: Readonly<Record<Mode, readonly number[]>> = {
  U: [0x2],
  S: [0x2, 0x4, 0x6, 0x40, 0x80, 0xc0, 0xc6],
  M: [0x2, 0x4, 0x6, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x7e0],
}

/** An access to a control register, allowed or not; `keep` the privilege that data is accessed with. */
export function control(random: RandomSource, mode: Mode, keep: boolean): Item {
  const rd = `x${destination(random)}`
  const csr = random.pick(WRITTEN[mode])
  return random.pick([
    // Of mstatus and sstatus the low bits: FS may differ.
    () => lines(random, `csrrs $a, ${random.pick(READ[mode])}, zero\nandi $a, $a, 2047`),
    () => lines(random, `csrrs ${rd}, fflags, zero`),
    () => lines(random, `csrrw zero, ${csr}, x${random.below(32)}\ncsrrs ${rd}, ${csr}, zero`),
    () => lines(random, `csrrwi zero, ${csr}, ${random.below(32)}\ncsrrs ${rd}, ${csr}, zero`),
    () => {
      const name = random.pick(['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'])
      const operand = name.endsWith('i') ? random.below(32) : `x${random.below(32)}`
      return lines(random, `${name} ${rd}, ${random.pick(CHANGED[mode])}, ${operand}`)
    },
    () => lines(random, `csrrwi ${rd}, frm, ${random.pick([0, 1, 2, 3, 4, 5, 7])}`),
    () => {
      const status = mode === 'M' ? random.pick(['mstatus', 'sstatus']) : 'sstatus'
      const bits = random.pick(STATUS_BITS[status === 'sstatus' && mode === 'M' ? 'S' : mode]) & (keep ? ~MPRV : -1)
      // One bit of FS is not taken away: what is left would tell clean from dirty.
      if (random.oneIn(2)) return lines(random, `lui $a, ${bits}\ncsrrs zero, ${status}, $a`)
      return lines(random, `lui $a, ${(bits & FS) === 0 ? bits : bits | FS}\ncsrrc zero, ${status}, $a`)
    },
  ])()
}

/** Something that ends in the trap handler. */
export function trap(random: RandomSource, mode: Mode): Item {
  const privileged = { U: ['mret', 'sret', 'wfi', 'sfence.vma zero, zero'], S: ['mret'], M: [] }[mode]
  const text = random.pick(['ecall', 'ebreak', 'c.ebreak', 'illegal', 'illegal', 'illegal', ...privileged])
  return text === 'illegal' ? illegal(random) : lines(random, text)
}

function illegal(random: RandomSource): Item {
  for (;;) {
    const long = random.oneIn(2)
    const bits = long ? (Number(random.bits64() & 0xffff_ffffn) | 3) >>> 0 : random.below(0x10000)
    if (!long && (bits & 3) === 3) continue
    if (rv64gc.matching(bits).length === 0) return fixed(halves(bits, long ? 4 : 2), long ? 4 : 2)
  }
}
/** A jump to where nothing can be fetched. */
export function wildJump(random: RandomSource): Item {
  const rd = `x${destination(random)}`
  return lines(random, `lui $a, ${random.below(1 << 20) & 0xdffff}\njalr ${rd}, ${random.below(16)}($a)`)
}

/** A return from a trap that never was: on with the next instruction, perhaps with less privilege. */
export function trapReturn(random: RandomSource, mode: 'M' | 'S'): Item {
  const machine = mode === 'M' && random.oneIn(2)
  const previous = machine ? 'lui $b, 2\naddi $b, $b, -2048' : 'addi $b, zero, 0x100\naddi zero, zero, 0'
  const status = machine ? 'mstatus' : 'sstatus'
  const setting = random.pick(['csrrs', 'csrrc'])
  // QEMU 7.2 leaves MPRV to the new mode; then our own handler could not reach its data (Priv. §3.1.6.3).
  const before = mode === 'M' ? 'lui $c, 0x20\ncsrrc zero, mstatus, $c\n' : ''
  return lines(
    random,
    `${before}auipc $a, 0\naddi $a, $a, 28\n${previous}\n${setting} zero, ${status}, $b
     csrrw zero, ${machine ? 'mepc' : 'sepc'}, $a\n${machine ? 'mret' : 'sret'}`,
  )
}

/** Orders nothing on one hart, but must be there: fences of code and translations. `keep`: the mode stays as it is. */
export function fence(random: RandomSource, mode: Mode, keep: boolean): Item {
  if (mode === 'U' || random.oneIn(2)) return one(random, 'fence')
  const text = ['sfence.vma $a, $b', 'sfence.vma zero, zero']
  // QEMU 7.2 lets U-mode execute the first two, and leaves mtval 0 where the third is illegal.
  if (keep) text.push('sfence.w.inval', 'sfence.inval.ir')
  if (keep && mode === 'M') text.push('sinval.vma $a, zero')
  return lines(random, random.pick(text))
}
