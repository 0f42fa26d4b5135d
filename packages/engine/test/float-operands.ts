import type { FloatFormat } from '../src/index.ts'

/** Random bits of a given width, from a repeatable generator. */
export type RandomBits = (bits: number) => bigint

/** xorshift64*: quick, repeatable and good enough to pick operands. */
export function randomBits(seed: bigint): RandomBits {
  let state = seed
  return bits => {
    state ^= state >> 12n
    state = BigInt.asUintN(64, state ^ (state << 25n))
    state ^= state >> 27n
    return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn) >> BigInt(64 - bits)
  }
}

/** Encodings at which rounding, range and class change. */
export function specialBits(format: FloatFormat): bigint[] {
  const one = BigInt(format.bias) << BigInt(format.fractionBits)
  const leastNormal = 1n << BigInt(format.fractionBits)
  const power = (exponent: number): bigint => BigInt(format.bias + exponent) << BigInt(format.fractionBits)
  const magnitudes = [
    0n,
    1n,
    2n,
    3n,
    leastNormal - 1n,
    leastNormal,
    leastNormal + 1n,
    one - 1n,
    one,
    one + 1n,
    one + (leastNormal >> 1n),
    power(-1),
    power(1),
    power(31),
    power(31) - 1n,
    power(32),
    power(32) - 1n,
    power(63),
    power(63) - 1n,
    power(64),
    power(64) - 1n,
    format.largest,
    format.infinity,
    format.infinity + 1n,
    format.infinity + format.quietBit - 1n,
    format.canonicalNan,
    format.canonicalNan + 5n,
  ]
  return magnitudes.flatMap(magnitude => [magnitude, magnitude | format.signBit])
}

/** An operand: special, uniform over encodings, or of a moderate exponent with a short or long run of equal bits. */
export function randomOperand(format: FloatFormat, random: RandomBits, specials: readonly bigint[]): bigint {
  const width = format.exponentBits + format.fractionBits + 1
  switch (Number(random(2))) {
    case 0:
      return specials[Number(random(16)) % specials.length] ?? 0n
    case 1:
      return random(width)
    case 2: {
      const exponent = BigInt(format.bias - 16) + random(5)
      return (random(1) * format.signBit) | (exponent << BigInt(format.fractionBits)) | random(format.fractionBits)
    }
    default: {
      // Sparse fractions make ties and exact results, which uniform ones almost never do.
      const exponent = random(format.exponentBits)
      const fraction = (random(4) << BigInt(format.fractionBits - 4)) ^ (random(1) * random(3))
      return (random(1) * format.signBit) | (exponent << BigInt(format.fractionBits)) | fraction
    }
  }
}
