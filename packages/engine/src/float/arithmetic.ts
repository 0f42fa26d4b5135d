import { DZ, type FloatFormat, type FloatStatus, NV, RDN } from './format.ts'
import { bitLength, isNan, roundPack, type Unpacked, unpack } from './pack.ts'

/** a + b. Raw bits in and out; exceptions go into `status` (IEEE 754-2019 §5.4.1, as all of this file). */
export function floatAdd(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  if (isNan(x) || isNan(y)) return nanResult(format, [a, b], [x, y], status)
  if (x.kind === 'infinite' || y.kind === 'infinite') return addInfinite(format, x, y, [a, b], status)
  return sum(format, x, y, status)
}

/** a − b. */
export function floatSub(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  // A NaN's sign is no part of the subtraction: the policy must see the operands as they came.
  if (isNan(x) || isNan(y)) return nanResult(format, [a, b], [x, y], status)
  return floatAdd(format, a, b ^ format.signBit, status)
}

/** a × b. */
export function floatMul(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  if (isNan(x) || isNan(y)) return nanResult(format, [a, b], [x, y], status)
  const negative = x.negative !== y.negative
  if (x.kind === 'infinite' || y.kind === 'infinite') {
    if (x.kind === 'zero' || y.kind === 'zero') return invalid(format, [a, b], status)
    return signed(format, negative, format.infinity)
  }
  if (x.kind === 'zero' || y.kind === 'zero') return signed(format, negative, 0n)
  return roundPack(format, negative, x.significand * y.significand, x.exponent + y.exponent, status)
}

/** a ÷ b. Raises DZ for a finite non-zero number over zero. */
export function floatDiv(format: FloatFormat, a: bigint, b: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  if (isNan(x) || isNan(y)) return nanResult(format, [a, b], [x, y], status)
  if (x.kind === y.kind && x.kind !== 'finite') return invalid(format, [a, b], status)
  const negative = x.negative !== y.negative
  if (x.kind === 'infinite') return signed(format, negative, format.infinity)
  if (y.kind === 'infinite' || x.kind === 'zero') return signed(format, negative, 0n)
  if (y.kind === 'zero') {
    status.flags |= DZ
    return signed(format, negative, format.infinity)
  }
  // Two bits beyond the precision and a sticky one decide every rounding.
  const extra = Math.max(0, format.precision + 2 + bitLength(y.significand) - bitLength(x.significand))
  const dividend = x.significand << BigInt(extra)
  const quotient = dividend / y.significand
  const sticky = quotient * y.significand === dividend ? 0n : 1n
  return roundPack(format, negative, (quotient << 1n) | sticky, x.exponent - y.exponent - extra - 1, status)
}

/** √a. √−0 is −0; any other negative number is invalid. */
export function floatSqrt(format: FloatFormat, a: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  if (isNan(x)) return nanResult(format, [a], [x], status)
  if (x.kind === 'zero') return a
  if (x.negative) return invalid(format, [a], status)
  if (x.kind === 'infinite') return a
  // The root of an even power of two is one; enough digits make the root's integer part longer than the precision.
  let extra = 2 * (format.precision + 2)
  if ((x.exponent - extra) % 2 !== 0) extra++
  const radicand = x.significand << BigInt(extra)
  const root = integerRoot(radicand)
  const sticky = root * root === radicand ? 0n : 1n
  return roundPack(format, false, (root << 1n) | sticky, (x.exponent - extra) / 2 - 1, status)
}

/** a × b + c, rounded once. The four RISC-V forms are this with a's or c's sign bit flipped by the caller. */
export function floatFma(format: FloatFormat, a: bigint, b: bigint, c: bigint, status: FloatStatus): bigint {
  const x = unpack(format, a)
  const y = unpack(format, b)
  const z = unpack(format, c)
  const operands = [a, b, c]
  const timesInfinity = x.kind === 'infinite' || y.kind === 'infinite'
  if (timesInfinity && (x.kind === 'zero' || y.kind === 'zero')) {
    if (z.kind !== 'quiet' || format.policy.fmaInvalidWithQuietNan) status.flags |= NV
    return nanResult(format, operands, [x, y, z], status)
  }
  if (isNan(x) || isNan(y) || isNan(z)) return nanResult(format, operands, [x, y, z], status)
  const product: Unpacked = {
    kind: timesInfinity ? 'infinite' : x.significand * y.significand === 0n ? 'zero' : 'finite',
    negative: x.negative !== y.negative,
    exponent: x.exponent + y.exponent,
    significand: x.significand * y.significand,
  }
  if (timesInfinity || z.kind === 'infinite') return addInfinite(format, product, z, operands, status)
  return sum(format, product, z, status)
}

/** Exact sum of two finite or zero numbers, rounded once. */
function sum(format: FloatFormat, x: Unpacked, y: Unpacked, status: FloatStatus): bigint {
  const exponent = Math.min(x.exponent, y.exponent)
  const total = signedInteger(x, exponent) + signedInteger(y, exponent)
  if (total !== 0n) return roundPack(format, total < 0n, total < 0n ? -total : total, exponent, status)
  // Zeros of one sign keep it; an exact cancellation is +0, or −0 when rounding down (IEEE 754-2019 §6.3).
  const bothZero = x.kind === 'zero' && y.kind === 'zero'
  const negative = bothZero && x.negative === y.negative ? x.negative : status.rounding === RDN
  return signed(format, negative, 0n)
}

function signedInteger(value: Unpacked, exponent: number): bigint {
  const magnitude = value.significand << BigInt(value.exponent - exponent)
  return value.negative ? -magnitude : magnitude
}

function addInfinite(
  format: FloatFormat,
  x: Unpacked,
  y: Unpacked,
  operands: readonly bigint[],
  status: FloatStatus,
): bigint {
  if (x.kind === y.kind && x.negative !== y.negative) return invalid(format, operands, status)
  return signed(format, (x.kind === 'infinite' ? x : y).negative, format.infinity)
}

function nanResult(
  format: FloatFormat,
  operands: readonly bigint[],
  values: readonly Unpacked[],
  status: FloatStatus,
): bigint {
  if (values.some(value => value.kind === 'signalling')) status.flags |= NV
  return format.policy.nan(format, operands)
}

function invalid(format: FloatFormat, operands: readonly bigint[], status: FloatStatus): bigint {
  status.flags |= NV
  return format.policy.nan(format, operands)
}

function signed(format: FloatFormat, negative: boolean, magnitude: bigint): bigint {
  return negative ? format.signBit | magnitude : magnitude
}

/** ⌊√n⌋ of a positive integer by Newton's iteration from above, which descends until it is there. */
function integerRoot(n: bigint): bigint {
  let guess = 1n << BigInt((bitLength(n) + 1) >> 1)
  for (;;) {
    const next = (guess + n / guess) >> 1n
    if (next >= guess) return guess
    guess = next
  }
}
