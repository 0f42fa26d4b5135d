import type { CompressedRow, Encoding } from '@doppel/engine'
import { rv64gc } from '@doppel/riscv'
import type { RandomSource } from '../random.ts'
import { qemuMajor } from './qemu-version.ts'

/** Instructions by what a generator must heed about them. */
export type Kind = 'plain' | 'float' | 'memory' | 'atomic' | 'branch' | 'fence'

/** An instruction to generate: a row, long or short. */
export interface Choice {
  readonly name: string
  readonly encoding: Encoding
  readonly bytes: 2 | 4
}

/** QEMU 7.2, Debian 12's, does not have the first two, and counts past bit 31 in the third. A newer one judges them. */
const WRONG_IN_QEMU = new Set(qemuMajor() < 8 ? ['czero.eqz', 'czero.nez', 'ctzw'] : [])
/** Bits 6:0 of the long form (Unpriv. Table "RISC-V base opcode map"). */
const MAJOR: Readonly<Record<number, Kind | 'none'>> = {
  0x03: 'memory',
  0x07: 'memory',
  0x23: 'memory',
  0x27: 'memory',
  0x2f: 'atomic',
  0x63: 'branch',
  // Jumps and system instructions are generated with what they need around them.
  0x67: 'none',
  0x6f: 'none',
  0x73: 'none',
  0x43: 'float',
  0x47: 'float',
  0x4b: 'float',
  0x4f: 'float',
  0x53: 'float',
  0x0f: 'fence',
}

function kindOf(name: string, encoding: Encoding): Kind | 'none' {
  // Reservations need their pair.
  if (WRONG_IN_QEMU.has(name) || /^(lr|sc)\./.test(name)) return 'none'
  return MAJOR[encoding.match & 0x7f] ?? 'plain'
}

const long = rv64gc.rows.map(row => ({ ...row, kind: kindOf(row.name, row.encoding), bytes: 4 as const }))
const short = rv64gc.compressed.map((row: CompressedRow) => {
  const expanded = rv64gc.rows[rv64gc.index(row.expandsTo)]
  return { ...row, kind: expanded ? kindOf(expanded.name, expanded.encoding) : 'none', bytes: 2 as const }
})

/** What can be generated, by kind. */
export const CHOICES: ReadonlyMap<Kind, readonly Choice[]> = new Map(
  (['plain', 'float', 'memory', 'atomic', 'branch', 'fence'] as const).map(kind => [
    kind,
    [...long, ...short].filter(row => row.kind === kind),
  ]),
)

const SPECIAL_INTEGERS = [0n, 1n, -1n, 1n << 63n, (1n << 63n) - 1n, 1n << 31n, 0x7fff_ffffn, 0xffff_ffffn, -(1n << 31n)]
const SPECIAL_DOUBLES = [
  0n,
  1n << 63n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  0x3ff0_0000_0000_0000n,
  0xc000_0000_0000_0000n,
  1n,
  0x000f_ffff_ffff_ffffn,
  0x7fef_ffff_ffff_ffffn,
  0x43e0_0000_0000_0000n,
  0xc3e0_0000_0000_0000n,
  0x41df_ffff_ffc0_0000n,
]
const SPECIAL_SINGLES = [
  0n,
  0x8000_0000n,
  0x7f80_0000n,
  0xff80_0000n,
  0x7fc0_0000n,
  0x7f80_0001n,
  0x3f80_0000n,
  0xc000_0000n,
  1n,
  0x007f_ffffn,
  0x7f7f_ffffn,
  0x4f00_0000n,
  0x5f00_0000n,
]
const BOX = 0xffff_ffff_0000_0000n

/** An integer: any bits, a small number, or a limit. */
export function anyInteger(random: RandomSource): bigint {
  const kind = random.below(4)
  if (kind === 0) return random.bits64()
  if (kind === 1) return BigInt.asUintN(64, BigInt(random.below(256) - 128))
  if (kind === 2) return BigInt.asUintN(64, BigInt.asIntN(32, random.bits64()))
  return BigInt.asUintN(64, random.pick(SPECIAL_INTEGERS))
}

/** A floating-point register: any bits, ordinary numbers and special ones of both formats, boxed or (seldom) not. */
export function anyFloat(random: RandomSource): bigint {
  const sign = BigInt(random.below(2))
  switch (random.below(7)) {
    case 0:
      return random.bits64()
    case 1:
      return random.pick(SPECIAL_DOUBLES)
    case 2:
      return BOX | random.pick(SPECIAL_SINGLES)
    case 3:
      return BOX | (random.bits64() & 0xffff_ffffn)
    case 4:
      // Near 1, so that sums cancel and products stay in range.
      return BOX | (sign << 31n) | (BigInt(0x7c + random.below(8)) << 23n) | (random.bits64() & 0x7f_ffffn)
    case 5:
      return (sign << 63n) | (BigInt(0x3fc + random.below(8)) << 52n) | (random.bits64() & 0xf_ffff_ffff_ffffn)
    default:
      return (sign << 63n) | (BigInt(random.below(64)) << 52n) | (random.bits64() & 0xf_ffff_ffff_ffffn)
  }
}
