import { describe, expect, test } from 'vitest'
import { randomBits, randomOperand, specialBits } from '../../test/float-operands.ts'
import { add, compare, divide, multiply, type Rational, roundBySearch, valueOf } from '../../test/float-reference.ts'
import { floatAdd, floatDiv, floatFma, floatMul, floatSqrt, floatSub } from './arithmetic.ts'
import { floatClass, floatEq, floatLe, floatLt, floatMax, floatMin } from './compare.ts'
import { floatToFloat, floatToInteger, integerToFloat } from './convert.ts'
import { DZ, F32, F64, type FloatFormat, type FloatStatus, I32, I64, NV, NX, OF, U32, U64, UF } from './format.ts'
import { FIXED_VECTORS } from '../../test/float-vectors.ts'

const MODES = [0, 1, 2, 3, 4]
const BOTH = [
  { name: 'binary32', format: F32 },
  { name: 'binary64', format: F64 },
]
const CASES = 400

const isFinite = (format: FloatFormat, bits: bigint): boolean => (bits & (format.signBit - 1n)) < format.infinity
const isNegative = (value: Rational): boolean => value.numerator < 0n
const magnitude = (value: Rational): Rational =>
  isNegative(value) ? { numerator: -value.numerator, denominator: value.denominator } : value

/** Checks an exact non-zero result against the search over encodings. */
function expectRounded(format: FloatFormat, exact: Rational, mode: number, got: bigint, status: FloatStatus): void {
  const wanted = roundBySearch(format, isNegative(exact), v => compare(magnitude(exact), v), mode)
  expect({ bits: got.toString(16), flags: status.flags }).toEqual({ ...wanted, bits: wanted.bits.toString(16) })
}

describe.each(BOTH)('$name rounds exact results in every mode as a search over its encodings does', ({ format }) => {
  test.each(MODES)('mode %d', mode => {
    const random = randomBits(0xf10a7n + BigInt(mode))
    const specials = specialBits(format).filter(bits => isFinite(format, bits))
    let checked = 0
    while (checked < CASES) {
      const [a, b, c] = [0, 1, 2].map(() => randomOperand(format, random, specials)) as [bigint, bigint, bigint]
      if (![a, b, c].every(bits => isFinite(format, bits))) continue
      const [x, y, z] = [a, b, c].map(bits => valueOf(format, bits)) as [Rational, Rational, Rational]
      const cases: [Rational, (status: FloatStatus) => bigint][] = [
        [add(x, y), s => floatAdd(format, a, b, s)],
        [add(x, { numerator: -y.numerator, denominator: y.denominator }), s => floatSub(format, a, b, s)],
        [multiply(x, y), s => floatMul(format, a, b, s)],
        [add(multiply(x, y), z), s => floatFma(format, a, b, c, s)],
      ]
      if (y.numerator !== 0n) cases.push([divide(x, y), s => floatDiv(format, a, b, s)])
      for (const [exact, run] of cases) {
        if (exact.numerator === 0n) continue
        const status = { rounding: mode, flags: 0 }
        expectRounded(format, exact, mode, run(status), status)
      }
      if (x.numerator > 0n) {
        const status = { rounding: mode, flags: 0 }
        const wanted = roundBySearch(format, false, v => compare(x, multiply(v, v)), mode)
        expect(floatSqrt(format, a, status)).toBe(wanted.bits)
        expect(status.flags).toBe(wanted.flags)
      }
      checked++
    }
  })

  test.each(MODES)('conversions, mode %d', mode => {
    const random = randomBits(0xc0117n + BigInt(mode))
    const other = format === F32 ? F64 : F32
    const specials = specialBits(format).filter(bits => isFinite(format, bits))
    for (let i = 0; i < CASES; i++) {
      for (const source of [I32, U32, I64, U64]) {
        const bits = random(64) >> random(6)
        const value = source.signed ? BigInt.asIntN(source.bits, bits) : BigInt.asUintN(source.bits, bits)
        if (value === 0n) continue
        const status = { rounding: mode, flags: 0 }
        const got = integerToFloat(source, format, bits, status)
        expectRounded(format, { numerator: value, denominator: 1n }, mode, got, status)
      }
      const a = randomOperand(format, random, specials)
      if (!isFinite(format, a) || (a & (format.signBit - 1n)) === 0n) continue
      const status = { rounding: mode, flags: 0 }
      expectRounded(other, valueOf(format, a), mode, floatToFloat(format, other, a, status), status)
    }
  })

  test.each(MODES)('to integers, mode %d: in range the neighbour the mode asks for, out of range saturated', mode => {
    const random = randomBits(0x1117n + BigInt(mode))
    const specials = specialBits(format).filter(bits => isFinite(format, bits))
    for (let i = 0; i < CASES; i++) {
      const a = randomOperand(format, random, specials)
      if (!isFinite(format, a)) continue
      const { numerator, denominator } = valueOf(format, a)
      const remainder = ((numerator % denominator) + denominator) % denominator
      const floor = (numerator - remainder) / denominator
      const twice = remainder * 2n
      const nearest =
        twice > denominator || (twice === denominator && (mode === 4 ? numerator > 0n : floor % 2n !== 0n))
      const up = remainder !== 0n && [nearest, numerator < 0n, false, true, nearest][mode]
      const rounded = floor + (up ? 1n : 0n)
      for (const target of [I32, U32, I64, U64]) {
        const least = target.signed ? -(1n << BigInt(target.bits - 1)) : 0n
        const greatest = least + (1n << BigInt(target.bits)) - 1n
        const clamped = rounded < least ? least : rounded > greatest ? greatest : rounded
        const status = { rounding: mode, flags: 0 }
        expect(floatToInteger(format, target, a, status)).toBe(BigInt.asUintN(target.bits, clamped))
        expect(status.flags).toBe(clamped !== rounded ? NV : remainder !== 0n ? NX : 0)
      }
    }
  })
})

test.each(FIXED_VECTORS)('$operation rm $rounding of $a $b $c, as the host FPU had it', vector => {
  const format = vector.double ? F64 : F32
  const [a, b, c] = [BigInt(vector.a), BigInt(vector.b), BigInt(vector.c)]
  const status = { rounding: vector.rounding, flags: 0 }
  const run = {
    add: () => floatAdd(format, a, b, status),
    sub: () => floatSub(format, a, b, status),
    mul: () => floatMul(format, a, b, status),
    div: () => floatDiv(format, a, b, status),
    sqrt: () => floatSqrt(format, a, status),
    fma: () => floatFma(format, a, b, c, status),
    convert: () => floatToFloat(format, vector.double ? F32 : F64, a, status),
  }[vector.operation]
  expect(run()).toBe(BigInt(vector.result))
  expect(status.flags).toBe(vector.flags)
})

const QNAN = F32.canonicalNan
const SNAN = F32.infinity + 1n
const ONE = 0x3f80_0000n
const MINUS_ZERO = F32.signBit

test('NaN results are canonical whatever the payload, and only signalling operands raise NV', () => {
  const status = { rounding: 0, flags: 0 }
  expect(floatAdd(F32, QNAN + 7n, ONE, status)).toBe(QNAN)
  expect(status.flags).toBe(0)
  expect(floatAdd(F32, SNAN, ONE, status)).toBe(QNAN)
  expect(status.flags).toBe(NV)
})

test('another policy propagates payloads without touching arithmetic', () => {
  const first = {
    ...F32,
    policy: { ...F32.policy, nan: (f: FloatFormat, ops: readonly bigint[]) => (ops[0] ?? 0n) | f.quietBit },
  }
  expect(floatSub(first, SNAN + 4n, ONE, { rounding: 0, flags: 0 })).toBe(QNAN + 5n)
  expect(floatAdd(F32, SNAN + 4n, ONE, { rounding: 0, flags: 0 })).toBe(QNAN)
})

test.each([
  ['∞ − ∞', floatSub, F32.infinity, F32.infinity, QNAN, NV],
  ['∞ × 0', floatMul, F32.infinity, 0n, QNAN, NV],
  ['0 ÷ 0', floatDiv, 0n, MINUS_ZERO, QNAN, NV],
  ['1 ÷ −0', floatDiv, ONE, MINUS_ZERO, F32.signBit | F32.infinity, DZ],
  ['largest + largest', floatAdd, F32.largest, F32.largest, F32.infinity, OF | NX],
  ['least × least', floatMul, 1n, 1n, 0n, UF | NX],
])('%s', (_, run, a, b, result, flags) => {
  const status = { rounding: 0, flags: 0 }
  expect(run(F32, a, b, status)).toBe(result)
  expect(status.flags).toBe(flags)
})

test('∞ × 0 + quiet NaN is invalid on RISC-V (Unpriv. §20.6)', () => {
  const status = { rounding: 0, flags: 0 }
  expect(floatFma(F32, F32.infinity, 0n, QNAN, status)).toBe(QNAN)
  expect(status.flags).toBe(NV)
})

test('an exact cancellation is +0, and −0 only when rounding down', () => {
  expect(MODES.map(rounding => floatSub(F32, ONE, ONE, { rounding, flags: 0 }))).toEqual([0n, 0n, MINUS_ZERO, 0n, 0n])
})

test('minimum and maximum prefer numbers to NaNs and order the zeros', () => {
  const status = { rounding: 0, flags: 0 }
  expect(floatMin(F32, 0n, MINUS_ZERO, status)).toBe(MINUS_ZERO)
  expect(floatMax(F32, MINUS_ZERO, 0n, status)).toBe(0n)
  expect(floatMin(F32, QNAN, ONE, status)).toBe(ONE)
  expect(status.flags).toBe(0)
  expect(floatMax(F32, ONE, SNAN, status)).toBe(ONE)
  expect(floatMax(F32, QNAN + 1n, QNAN + 2n, status)).toBe(QNAN)
  expect(status.flags).toBe(NV)
})

test('equality is quiet, order is signalling', () => {
  const status = { rounding: 0, flags: 0 }
  expect(floatEq(F32, QNAN, QNAN, status)).toBe(false)
  expect(status.flags).toBe(0)
  expect(floatLe(F32, QNAN, ONE, status)).toBe(false)
  expect(status.flags).toBe(NV)
  expect(floatEq(F32, 0n, MINUS_ZERO, status)).toBe(true)
  expect(floatLt(F32, F32.signBit | ONE, ONE, status)).toBe(true)
})

test('the class mask has one bit for each of the ten classes', () => {
  const negative = F64.signBit
  const classes = [negative | F64.infinity, negative | F64.largest, negative | 1n, negative, 0n, 1n, F64.largest]
  const all = [...classes, F64.infinity, F64.infinity + 1n, F64.canonicalNan]
  expect(all.map(bits => floatClass(F64, bits))).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
})

test.each([
  ['i32', I32, 0x7fff_ffffn, 0x8000_0000n],
  ['u32', U32, 0xffff_ffffn, 0n],
  ['i64', I64, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n],
  ['u64', U64, 0xffff_ffff_ffff_ffffn, 0n],
])('%s: NaN and +∞ give the greatest value, −∞ the least, with NV alone', (_, target, greatest, least) => {
  const status = { rounding: 0, flags: 0 }
  expect(floatToInteger(F64, target, F64.canonicalNan | F64.signBit, status)).toBe(greatest)
  expect(floatToInteger(F64, target, F64.infinity, status)).toBe(greatest)
  expect(floatToInteger(F64, target, F64.signBit | F64.infinity, status)).toBe(least)
  expect(status.flags).toBe(NV)
})
