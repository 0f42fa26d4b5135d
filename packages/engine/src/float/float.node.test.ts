import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RandomBits, randomBits, randomOperand, specialBits } from '../../test/float-operands.ts'
import { floatAdd, floatDiv, floatFma, floatMul, floatSqrt, floatSub } from './arithmetic.ts'
import { floatEq, floatLe, floatLt } from './compare.ts'
import { floatToFloat, floatToInteger, integerToFloat } from './convert.ts'
import { F32, F64, type FloatFormat, type FloatStatus, I32, I64, NV } from './format.ts'

// The judge is the host's SSE unit behind a C program; it detects tininess after rounding too, and has no RMM.
const SOURCE = fileURLToPath(new URL('../../../testkit/oracles/float-oracle.c', import.meta.url))
const CASES_PER_OPERATION = 8_000
const canJudge = process.arch === 'x64' && existsSync('/usr/bin/gcc')
const hasFma = existsSync('/proc/cpuinfo') && / fma /.test(readFileSync('/proc/cpuinfo', 'utf8'))

type Run = (format: FloatFormat, operands: readonly [bigint, bigint, bigint], status: FloatStatus) => bigint
interface Judged {
  readonly name: string
  /** The number in the C program's switch. */
  readonly number: number
  readonly run: Run
  /** What kind of bits it delivers: decides how NaNs are told. */
  readonly result: 'same' | 'other' | 'plain'
}

const other = (format: FloatFormat): FloatFormat => (format === F32 ? F64 : F32)
const OPERATIONS: readonly Judged[] = [
  { name: 'add', number: 0, run: (f, [a, b], s) => floatAdd(f, a, b, s), result: 'same' },
  { name: 'sub', number: 1, run: (f, [a, b], s) => floatSub(f, a, b, s), result: 'same' },
  { name: 'mul', number: 2, run: (f, [a, b], s) => floatMul(f, a, b, s), result: 'same' },
  { name: 'div', number: 3, run: (f, [a, b], s) => floatDiv(f, a, b, s), result: 'same' },
  { name: 'sqrt', number: 4, run: (f, [a], s) => floatSqrt(f, a, s), result: 'same' },
  { name: 'fma', number: 5, run: (f, [a, b, c], s) => floatFma(f, a, b, c, s), result: 'same' },
  { name: 'eq', number: 6, run: (f, [a, b], s) => BigInt(floatEq(f, a, b, s)), result: 'plain' },
  { name: 'lt', number: 7, run: (f, [a, b], s) => BigInt(floatLt(f, a, b, s)), result: 'plain' },
  { name: 'le', number: 8, run: (f, [a, b], s) => BigInt(floatLe(f, a, b, s)), result: 'plain' },
  { name: 'to the other format', number: 9, run: (f, [a], s) => floatToFloat(f, other(f), a, s), result: 'other' },
  { name: 'to i32', number: 10, run: (f, [a], s) => floatToInteger(f, I32, a, s), result: 'plain' },
  { name: 'to i64', number: 11, run: (f, [a], s) => floatToInteger(f, I64, a, s), result: 'plain' },
  { name: 'from i32', number: 12, run: (f, [a], s) => integerToFloat(I32, f, a, s), result: 'same' },
  { name: 'from i64', number: 13, run: (f, [a], s) => integerToFloat(I64, f, a, s), result: 'same' },
]

const folder = canJudge ? mkdtempSync(join(tmpdir(), 'doppel-float-')) : ''
const program = join(folder, 'oracle')

beforeAll(() => {
  if (!canJudge) return
  const flags = ['-O1', '-frounding-math', '-fno-builtin', '-ffp-contract=off', ...(hasFma ? ['-mfma'] : [])]
  execFileSync('/usr/bin/gcc', [...flags, SOURCE, '-o', program, '-lm'])
})
afterAll(() => {
  if (canJudge) rmSync(folder, { recursive: true })
})

function operandsFor(operation: Judged, format: FloatFormat, random: RandomBits): [bigint, bigint, bigint] {
  if (operation.name.startsWith('from')) return [random(64) >> random(6), 0n, 0n]
  const specials = specialBits(format)
  const operand = (): bigint => randomOperand(format, random, specials)
  const [a, b, c] = [operand(), operand(), operand()]
  // Addends near the product's negation cancel, which random ones never do.
  if (operation.number !== 5 || random(2) !== 0n) return [a, b, c]
  const product = floatMul(format, a, b, { rounding: 0, flags: 0 })
  return [a, b, (product ^ format.signBit) + random(1)]
}

function canonical(format: FloatFormat, bits: bigint): bigint {
  return (bits & (format.signBit - 1n)) > format.infinity ? format.canonicalNan : bits
}

describe.skipIf(!canJudge)('the host FPU agrees, result and flags', () => {
  describe.each([
    { name: 'binary32', format: F32 },
    { name: 'binary64', format: F64 },
  ])('$name', ({ format }) => {
    test.each(OPERATIONS)('$name', operation => {
      const random = randomBits(0x5eedn + BigInt(operation.number))
      const total = CASES_PER_OPERATION
      const cases = Array.from({ length: total }, (_, i) => ({
        rounding: i & 3,
        operands: operandsFor(operation, format, random),
      }))
      const request = new DataView(new ArrayBuffer(total * 32))
      for (const [i, { rounding, operands }] of cases.entries()) {
        request.setUint8(i * 32, operation.number)
        request.setUint8(i * 32 + 1, format === F64 ? 1 : 0)
        request.setUint8(i * 32 + 2, rounding)
        for (const [k, bits] of operands.entries()) request.setBigUint64(i * 32 + 8 + k * 8, bits, true)
      }
      const output = execFileSync(program, { input: new Uint8Array(request.buffer), maxBuffer: total * 16 })
      const reply = new DataView(output.buffer, output.byteOffset, output.byteLength)
      const target = operation.result === 'same' ? format : operation.result === 'other' ? other(format) : undefined
      const differences: string[] = []
      for (const [i, { rounding, operands }] of cases.entries()) {
        const status: FloatStatus = { rounding, flags: 0 }
        const bits = operation.run(format, operands, status)
        let wanted = reply.getBigUint64(i * 16, true)
        let flags = reply.getUint32(i * 16 + 8, true)
        if (target !== undefined) wanted = canonical(target, wanted)
        // x86 delivers the integer indefinite where RISC-V saturates.
        if (operation.name.startsWith('to i') && (flags & NV) !== 0) wanted = bits
        // x86 lets a quiet addend win over ∞ × 0; RISC-V calls it invalid.
        if (operation.name === 'fma' && isInfinityTimesZero(format, operands)) flags |= NV
        if (bits === wanted && status.flags === flags) continue
        const inputs = operands.map(value => value.toString(16)).join(' ')
        differences.push(
          `rm ${rounding} (${inputs}): ${bits.toString(16)}/${status.flags}, ${wanted.toString(16)}/${flags}`,
        )
      }
      expect(differences.slice(0, 10)).toEqual([])
    })
  })
})

function isInfinityTimesZero(format: FloatFormat, [a, b]: readonly [bigint, bigint, bigint]): boolean {
  const x = a & (format.signBit - 1n)
  const y = b & (format.signBit - 1n)
  return (x === format.infinity && y === 0n) || (y === format.infinity && x === 0n)
}
