import { seededEntropy } from '@doppel/base'
import { expect, test } from 'vitest'
import { linkFastFloat } from './float-fast.ts'
import { FLOAT_OPERATIONS } from './float-runtime.ts'
import { exactFloat } from './isa.ts'
import { STATE } from './state.ts'

type Operation = (state: number, ...args: (bigint | number)[]) => bigint

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
const flags = new Int32Array(memory.buffer, STATE.fields.fflags, 1)
const exact = exactFloat(memory) as unknown as Record<string, Operation>
const fast = linkFastFloat(exact, memory) as unknown as Record<string, Operation>

const SAMPLES = 3000
const random = seededEntropy(2026n)
const word = (): bigint => {
  const bytes = new Uint8Array(8)
  random.fill(bytes)
  return new DataView(bytes.buffer).getBigUint64(0, true)
}
const pick = <T>(list: readonly T[]): T => list[Number(word() % BigInt(list.length))] as T

/** Where floating point is hard: zeros, subnormals, limits, infinities, NaNs, ones, halves, numbers with few bits. */
const hard = (exponentBits: number, fractionBits: number): bigint => {
  const sign = (word() & 1n) << BigInt(exponentBits + fractionBits)
  const top = (1n << BigInt(exponentBits)) - 1n
  const bias = top >> 1n
  const exponent = pick([0n, 1n, 2n, bias - 1n, bias, bias + 1n, bias + 30n, bias - 30n, top - 2n, top - 1n, top])
  const full = (1n << BigInt(fractionBits)) - 1n
  const fraction = pick([
    0n,
    1n,
    full,
    full - 1n,
    1n << BigInt(fractionBits - 1),
    word() & full,
    0xfn << BigInt(fractionBits - 8),
  ])
  return sign | (exponent << BigInt(fractionBits)) | fraction
}
const double = (): bigint => (word() % 3n === 0n ? word() : hard(11, 52))
const single = (): bigint => (word() % 3n === 0n ? word() & 0xffff_ffffn : hard(8, 23))
/** Numbers close together, so that sums cancel and products are exact. */
const tame = (wide: boolean): bigint => {
  const value = Number(BigInt.asIntN(12, word())) * 2 ** Number(BigInt.asIntN(5, word()))
  const view = new DataView(new ArrayBuffer(8))
  if (wide) view.setFloat64(0, value)
  else view.setFloat32(4, value)
  return view.getBigUint64(0)
}
const integer = (): bigint => BigInt.asUintN(64, word() >> (word() % 64n))

const operandOf = (name: string): bigint => {
  if (name.includes('.from.')) return integer()
  const wide = name.startsWith('f64')
  return word() % 3n === 0n ? tame(wide) : wide ? double() : single()
}

test.each(Object.entries(FLOAT_OPERATIONS))('%s is as exact when fast', (name, { operands }) => {
  for (let i = 0; i < SAMPLES; i++) {
    const args: (bigint | number)[] = Array.from({ length: operands }, () => operandOf(name))
    const rounding = Number(word() % 6n) % 5
    const before = pick([0, 0, 1, 31])
    const run = (operation: Operation): string => {
      flags[0] = before
      const result = BigInt.asUintN(64, operation(0, ...args, rounding))
      return `${result.toString(16)} flags ${flags[0]}`
    }
    const given = `${name}(${args.map(a => a.toString(16)).join()}) rounding ${rounding} flags before ${before}`
    expect(`${given} = ${run(fast[name] as Operation)}`).toBe(`${given} = ${run(exact[name] as Operation)}`)
  }
})
