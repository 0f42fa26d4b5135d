import { type FloatFormat, type FloatStatus, NX, OF, RDN, RMM, RNE, RUP, UF } from './format.ts'

/** A decoded operand. A finite value is ±`significand` × 2^`exponent`, exactly. */
export interface Unpacked {
  readonly kind: 'zero' | 'finite' | 'infinite' | 'quiet' | 'signalling'
  readonly negative: boolean
  readonly exponent: number
  readonly significand: bigint
}

/** Decodes raw bits (IEEE 754-2019 §3.4). */
export function unpack(format: FloatFormat, bits: bigint): Unpacked {
  const negative = (bits & format.signBit) !== 0n
  const magnitude = bits & (format.signBit - 1n)
  const fraction = magnitude & ((1n << BigInt(format.fractionBits)) - 1n)
  const biased = Number(magnitude >> BigInt(format.fractionBits))
  if (magnitude >= format.infinity) {
    const kind = fraction === 0n ? 'infinite' : (fraction & format.quietBit) !== 0n ? 'quiet' : 'signalling'
    return { kind, negative, exponent: 0, significand: fraction }
  }
  if (biased === 0) {
    return { kind: fraction === 0n ? 'zero' : 'finite', negative, exponent: format.minQuantum, significand: fraction }
  }
  const significand = fraction | (1n << BigInt(format.fractionBits))
  return { kind: 'finite', negative, exponent: format.minQuantum + biased - 1, significand }
}

/** True for both kinds of NaN. */
export function isNan(value: Unpacked): boolean {
  return value.kind === 'quiet' || value.kind === 'signalling'
}

/** Bits needed to write a positive integer. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16)
  return hex.length * 4 - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28
}

/**
 * Drops the low `shift` bits of a non-negative integer, rounding in `rounding`'s direction. Only whether the dropped
 * part is zero, below, at or above half matters, so a caller with an inexact tail may stand for it by a low 1 bit.
 */
export function roundShift(
  value: bigint,
  shift: number,
  negative: boolean,
  rounding: number,
): { readonly value: bigint; readonly inexact: boolean } {
  if (shift <= 0) return { value: value << BigInt(-shift), inexact: false }
  const distance = BigInt(shift)
  const kept = value >> distance
  const dropped = value - (kept << distance)
  if (dropped === 0n) return { value: kept, inexact: false }
  const half = 1n << (distance - 1n)
  return { value: roundsAway(kept, dropped, half, negative, rounding) ? kept + 1n : kept, inexact: true }
}

function roundsAway(kept: bigint, dropped: bigint, half: bigint, negative: boolean, rounding: number): boolean {
  switch (rounding) {
    case RNE:
      return dropped > half || (dropped === half && (kept & 1n) === 1n)
    case RMM:
      return dropped >= half
    case RDN:
      return negative
    case RUP:
      return !negative
    default:
      return false
  }
}

/**
 * Rounds ±`significand` × 2^`exponent` (`significand` > 0, any length) to the format and raises NX, UF, OF. Tininess is
 * detected after rounding (IEEE 754-2019 §7.5 b; RISC-V Unpriv. §20.2 and x86 alike).
 */
export function roundPack(
  format: FloatFormat,
  negative: boolean,
  significand: bigint,
  exponent: number,
  status: FloatStatus,
): bigint {
  const sign = negative ? format.signBit : 0n
  const excess = bitLength(significand) - format.precision
  const quantum = Math.max(exponent + excess, format.minQuantum)
  const rounded = roundShift(significand, quantum - exponent, negative, status.rounding)
  // The value's quantum and its significand add up to the encoding; a carry out of the significand lands where it must.
  const magnitude = (BigInt(quantum - format.minQuantum) << BigInt(format.fractionBits)) + rounded.value
  if (magnitude >= format.infinity) {
    status.flags |= OF | NX
    const toLargest =
      status.rounding === RNE || status.rounding === RMM ? false : status.rounding !== (negative ? RDN : RUP)
    return sign | (toLargest ? format.largest : format.infinity)
  }
  if (rounded.inexact) {
    status.flags |= NX
    if (exponent + excess < format.minQuantum) {
      // Tiny unless rounding with an unbounded exponent reaches the least normal number, one binade up.
      const unbounded = roundShift(significand, excess, negative, status.rounding).value
      const reachesNormal = exponent + excess === format.minQuantum - 1 && bitLength(unbounded) > format.precision
      if (!reachesNormal) status.flags |= UF
    }
  }
  return sign | magnitude
}
