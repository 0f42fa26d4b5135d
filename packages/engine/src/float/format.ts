/** Rounding directions by their RISC-V `rm` encoding (Unpriv. §20.2, table of rounding modes). */
export const RNE = 0
export const RTZ = 1
export const RDN = 2
export const RUP = 3
export const RMM = 4

/** Exception flags at their RISC-V `fflags` bits (Unpriv. §20.2). */
export const NX = 1
export const UF = 2
export const OF = 4
export const DZ = 8
export const NV = 16

/** What an operation reads and changes besides its operands: owned by the caller, who clears `flags` when it wants to. */
export interface FloatStatus {
  /** One of `RNE` … `RMM`. */
  rounding: number
  /** Exceptions are OR-ed in; never cleared here. */
  flags: number
}

/** A two's complement or unsigned integer as a conversion's source or target. */
export interface IntegerFormat {
  readonly bits: 32 | 64
  readonly signed: boolean
}

/** The integers that conversions know. */
export const I32: IntegerFormat = { bits: 32, signed: true }
export const U32: IntegerFormat = { bits: 32, signed: false }
export const I64: IntegerFormat = { bits: 64, signed: true }
export const U64: IntegerFormat = { bits: 64, signed: false }

/**
 * The choices IEEE 754 leaves to an architecture. Arithmetic asks here and nowhere else, so another instruction set is
 * another policy (x86 would propagate an operand's payload and return the integer indefinite).
 */
export interface FloatPolicy {
  /** The quiet NaN an operation delivers; `operands` are its raw operands in order, in the result's own format. */
  nan(format: FloatFormat, operands: readonly bigint[]): bigint
  /** The integer, as raw bits, for a value that `target` cannot hold; the caller has already raised NV. */
  outOfRange(target: IntegerFormat, value: 'nan' | 'below' | 'above'): bigint
  /** Whether ∞ × 0 + quiet NaN raises NV (IEEE 754-2019 §7.2 c leaves it open). */
  readonly fmaInvalidWithQuietNan: boolean
}

/** RISC-V: NaN results are canonical (Unpriv. §20.3), conversions saturate (§20.7), ∞ × 0 + qNaN is invalid (§20.6). */
export const riscvFloatPolicy: FloatPolicy = {
  nan: format => format.canonicalNan,
  outOfRange: ({ bits, signed }, value) => {
    if (value === 'below') return signed ? 1n << BigInt(bits - 1) : 0n
    return (1n << BigInt(signed ? bits - 1 : bits)) - 1n
  },
  fmaInvalidWithQuietNan: true,
}

/** A binary interchange format (IEEE 754-2019 §3.4) with what is derived from its two widths. Values are raw bits. */
export interface FloatFormat {
  readonly exponentBits: number
  readonly fractionBits: number
  readonly policy: FloatPolicy
  /** Significand bits with the hidden one. */
  readonly precision: number
  readonly bias: number
  /** Exponent of the least subnormal: every finite value is an integer times 2^minQuantum. */
  readonly minQuantum: number
  readonly signBit: bigint
  readonly infinity: bigint
  readonly largest: bigint
  /** The fraction's top bit: set in quiet NaNs. */
  readonly quietBit: bigint
  readonly canonicalNan: bigint
}

/** Derives a format from its field widths, in bits. */
export function floatFormat(exponentBits: number, fractionBits: number, policy: FloatPolicy): FloatFormat {
  const bias = 2 ** (exponentBits - 1) - 1
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits)
  const quietBit = 1n << BigInt(fractionBits - 1)
  return {
    exponentBits,
    fractionBits,
    policy,
    precision: fractionBits + 1,
    bias,
    minQuantum: 1 - bias - fractionBits,
    signBit: 1n << BigInt(exponentBits + fractionBits),
    infinity,
    largest: infinity - 1n,
    quietBit,
    canonicalNan: infinity | quietBit,
  }
}

/** binary32 and binary64 as RISC-V has them. */
export const F32: FloatFormat = floatFormat(8, 23, riscvFloatPolicy)
export const F64: FloatFormat = floatFormat(11, 52, riscvFloatPolicy)
