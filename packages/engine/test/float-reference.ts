import { type FloatFormat, NX, OF, RDN, RMM, RNE, RTZ, RUP, UF } from '../src/index.ts'

/** An exact number: `numerator` / `denominator`, the denominator positive. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

const two = (exponent: number): Rational =>
  exponent >= 0
    ? { numerator: 1n << BigInt(exponent), denominator: 1n }
    : { numerator: 1n, denominator: 1n << BigInt(-exponent) }

export const multiply = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
})

export const add = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.denominator + b.numerator * a.denominator,
  denominator: a.denominator * b.denominator,
})

export const divide = (a: Rational, b: Rational): Rational => {
  const flip = b.numerator < 0n ? -1n : 1n
  return { numerator: a.numerator * b.denominator * flip, denominator: a.denominator * b.numerator * flip }
}

/** −1, 0 or 1 as a is below, at or above b. */
export const compare = (a: Rational, b: Rational): number => {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** What a finite encoding is worth; the encoding of infinity reads as the power of two it stands in place of. */
export function valueOf(format: FloatFormat, bits: bigint): Rational {
  const negative = (bits & format.signBit) !== 0n
  const magnitude = bits & (format.signBit - 1n)
  const biased = Number(magnitude >> BigInt(format.fractionBits))
  const fraction = magnitude & ((1n << BigInt(format.fractionBits)) - 1n)
  const significand = biased === 0 ? fraction : fraction | (1n << BigInt(format.fractionBits))
  const scale = two(Math.max(biased, 1) - format.bias - format.fractionBits)
  return multiply({ numerator: negative ? -significand : significand, denominator: 1n }, scale)
}

/**
 * Rounds a non-zero number by searching the encodings for its two neighbours: a second opinion that shares nothing with
 * the code under test but the definition of the formats. `order(v)` compares the number's magnitude with v.
 */
export function roundBySearch(
  format: FloatFormat,
  negative: boolean,
  order: (candidate: Rational) => number,
  rounding: number,
): { readonly bits: bigint; readonly flags: number } {
  const sign = negative ? format.signBit : 0n
  const below = lastNotAbove(format, order)
  const exact = order(valueOf(format, below)) === 0
  if (exact && below < format.infinity) return { bits: sign | below, flags: 0 }
  const upper = below < format.infinity ? below + 1n : below
  const above = pick(format, below, order, negative, rounding) ? upper : below
  if (above >= format.infinity) return { bits: sign | overflow(format, negative, rounding), flags: OF | NX }
  return { bits: sign | above, flags: NX | (isTiny(format, negative, order, rounding) ? UF : 0) }
}

/** The largest encoding whose value does not exceed the number; infinity's when it is out of range altogether. */
function lastNotAbove(format: FloatFormat, order: (candidate: Rational) => number): bigint {
  let low = 0n
  let high = format.infinity + 1n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (order(valueOf(format, middle)) >= 0) low = middle
    else high = middle
  }
  return low
}

function pick(
  format: FloatFormat,
  below: bigint,
  order: (candidate: Rational) => number,
  negative: boolean,
  rounding: number,
): boolean {
  if (rounding === RTZ) return false
  if (rounding === RDN) return negative
  if (rounding === RUP) return !negative
  const sum = add(valueOf(format, below), valueOf(format, below + 1n))
  const half = order({ numerator: sum.numerator, denominator: sum.denominator * 2n })
  return half > 0 || (half === 0 && (rounding === RMM || (below & 1n) === 1n))
}

function overflow(format: FloatFormat, negative: boolean, rounding: number): bigint {
  const away = rounding === RNE || rounding === RMM || rounding === (negative ? RDN : RUP)
  return away ? format.infinity : format.largest
}

/** Tiny after rounding: the same number rounded in a format of the same precision and a far wider exponent. */
function isTiny(
  format: FloatFormat,
  negative: boolean,
  order: (candidate: Rational) => number,
  rounding: number,
): boolean {
  const leastNormal = 1n << BigInt(format.fractionBits)
  if (order(valueOf(format, leastNormal)) >= 0) return false
  // Only the binade just below can reach it; there, the neighbours are half a subnormal step apart.
  const step = two(1 - format.bias - format.fractionBits - 1)
  const least = valueOf(format, leastNormal)
  const nearest = add(least, { numerator: -step.numerator, denominator: step.denominator })
  if (order(nearest) <= 0) return true
  if (rounding === RTZ) return true
  if (rounding === RDN) return !negative
  if (rounding === RUP) return negative
  const sum = add(least, nearest)
  // A tie goes up: the least normal number's significand is even.
  return order({ numerator: sum.numerator, denominator: sum.denominator * 2n }) < 0
}
