import { type FloatFormat, type FloatStatus, NV } from './format.ts'
import { isNan, unpack } from './pack.ts'

/** a = b; false when unordered. Quiet: only a signalling NaN raises NV (IEEE 754-2019 §5.11). */
export function floatEq(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): boolean {
  return floatCompare(format, a, b, status, false) === 0
}

/** a < b; false when unordered. Signalling: any NaN raises NV. */
export function floatLt(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): boolean {
  return floatCompare(format, a, b, status, true) === -1
}

/** a ≤ b; false when unordered. Signalling: any NaN raises NV. */
export function floatLe(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): boolean {
  const order = floatCompare(format, a, b, status, true)
  return order === -1 || order === 0
}

/** The order of two numbers, undefined when either is NaN; a quiet NaN raises NV only when `signalling`. */
export function floatCompare(
  format: FloatFormat,
  a: bigint,
  b: bigint,
  status: FloatStatus,
  signalling: boolean,
): -1 | 0 | 1 | undefined {
  const x = unpack(format, a)
  const y = unpack(format, b)
  if (isNan(x) || isNan(y)) {
    if (signalling || x.kind === 'signalling' || y.kind === 'signalling') status.flags |= NV
    return undefined
  }
  if (x.kind === 'zero' && y.kind === 'zero') return 0
  return order(format, a, b)
}

/** The lesser number, −0 below +0; of a number and a NaN the number (minimumNumber, IEEE 754-2019 §9.6). */
export function floatMin(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  return select(format, a, b, status, -1)
}

/** The greater number, +0 above −0; of a number and a NaN the number (maximumNumber, IEEE 754-2019 §9.6). */
export function floatMax(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  return select(format, a, b, status, 1)
}

function select(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus, wanted: -1 | 1): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  if (x.kind === 'signalling' || y.kind === 'signalling') status.flags |= NV
  if (isNan(x)) return isNan(y) ? format.policy.nan(format, [a, b]) : b
  if (isNan(y)) return a
  return order(format, a, b) === wanted ? a : b
}

/** Total order of raw bits that are no NaN: the encoding's magnitude order, turned round for negatives. */
function order(format: FloatFormat, a: bigint, b: bigint): -1 | 0 | 1 {
  const x = (a & format.signBit) === 0n ? a : format.signBit - a - 1n
  const y = (b & format.signBit) === 0n ? b : format.signBit - b - 1n
  return x < y ? -1 : x > y ? 1 : 0
}

/** The ten-bit class mask of FCLASS: bit 0 is −∞ … bit 7 is +∞, 8 signalling, 9 quiet NaN (RISC-V Unpriv. §20.9). */
export function floatClass(format: FloatFormat, a: bigint): number {
  const { kind, negative, significand } = unpack(format, a)
  if (kind === 'signalling') return 1 << 8
  if (kind === 'quiet') return 1 << 9
  const subnormal = significand < 1n << BigInt(format.fractionBits)
  const distance = kind === 'zero' ? 0 : kind === 'infinite' ? 3 : subnormal ? 1 : 2
  return 1 << (negative ? 3 - distance : 4 + distance)
}
