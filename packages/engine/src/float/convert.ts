import { type FloatFormat, type FloatStatus, type IntegerFormat, NV, NX } from './format.ts'
import { isNan, roundPack, roundShift, unpack } from './pack.ts'

/** Converts between formats (IEEE 754-2019 §5.4.2). A NaN becomes the target policy's NaN. */
export function floatToFloat(from: FloatFormat, to: FloatFormat, a: bigint, status: FloatStatus): bigint {
  const x = unpack(from, a)
  if (isNan(x)) {
    if (x.kind === 'signalling') status.flags |= NV
    return to.policy.nan(to, [nanInFormat(from, to, a)])
  }
  const sign = x.negative ? to.signBit : 0n
  if (x.kind === 'infinite') return sign | to.infinity
  if (x.kind === 'zero') return sign
  return roundPack(to, x.negative, x.significand, x.exponent, status)
}

/** A NaN's sign and the top of its payload, aligned in another format: what a payload-keeping policy needs. */
function nanInFormat(from: FloatFormat, to: FloatFormat, a: bigint): bigint {
  const fraction = a & ((1n << BigInt(from.fractionBits)) - 1n)
  const shift = to.fractionBits - from.fractionBits
  const aligned = shift >= 0 ? fraction << BigInt(shift) : fraction >> BigInt(-shift)
  // A signalling payload whose kept bits are all zero would otherwise read as infinity.
  return ((a & from.signBit) === 0n ? 0n : to.signBit) | to.infinity | (aligned === 0n ? 1n : aligned)
}

/**
 * Rounds to an integer and returns its low `target.bits` bits as an unsigned bigint. Out of range or NaN raises NV alone
 * and gives the policy's value; otherwise NX tells of rounding (RISC-V Unpriv. §20.7).
 */
export function floatToInteger(format: FloatFormat, target: IntegerFormat, a: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  if (isNan(x)) return outOfRange(format, target, 'nan', status)
  const tooLarge = x.kind === 'infinite' || x.exponent > target.bits
  if (tooLarge) return outOfRange(format, target, x.negative ? 'below' : 'above', status)
  const rounded = roundShift(x.significand, -x.exponent, x.negative, status.rounding)
  const value = x.negative ? -rounded.value : rounded.value
  const least = target.signed ? -(1n << BigInt(target.bits - 1)) : 0n
  const greatest = (1n << BigInt(target.signed ? target.bits - 1 : target.bits)) - 1n
  if (value < least) return outOfRange(format, target, 'below', status)
  if (value > greatest) return outOfRange(format, target, 'above', status)
  if (rounded.inexact) status.flags |= NX
  return BigInt.asUintN(target.bits, value)
}

function outOfRange(
  format: FloatFormat,
  target: IntegerFormat,
  value: 'nan' | 'below' | 'above',
  status: FloatStatus,
): bigint {
  status.flags |= NV
  return format.policy.outOfRange(target, value)
}

/** Converts the low `source.bits` bits of `bits`, read as `source` says; zero becomes +0 (IEEE 754-2019 §5.4.1). */
export function integerToFloat(source: IntegerFormat, format: FloatFormat, bits: bigint, status: FloatStatus): bigint {
  const value = source.signed ? BigInt.asIntN(source.bits, bits) : BigInt.asUintN(source.bits, bits)
  if (value === 0n) return 0n
  return roundPack(format, value < 0n, value < 0n ? -value : value, 0, status)
}
