import {
  F32 as SINGLE,
  F64 as DOUBLE,
  type FloatFormat,
  type FloatStatus,
  floatAdd,
  floatClass,
  floatDiv,
  floatEq,
  floatFma,
  floatLe,
  floatLt,
  floatMax,
  floatMin,
  floatMul,
  floatSqrt,
  floatSub,
  floatToFloat,
  floatToInteger,
  I32 as INT32,
  I64 as INT64,
  type IntegerFormat,
  integerToFloat,
  U32,
  U64,
} from '@doppel/engine'
import type { FunctionType } from '@doppel/wasm'
import { I32, I64 } from '@doppel/wasm'

/** An exact floating-point operation on register bits; flags and rounding mode are in `status`. */
export type Exact = (operands: readonly bigint[], status: FloatStatus) => bigint

type Binary = (format: FloatFormat, a: bigint, b: bigint, status: FloatStatus) => bigint
type Relation = (format: FloatFormat, a: bigint, b: bigint, status: FloatStatus) => boolean

/** Integer types by the letter of fcvt; W and WU results are kept sign-extended, as RV64 keeps all words. */
const INTEGERS: readonly (readonly [name: string, format: IntegerFormat])[] = [
  ['w', INT32],
  ['wu', U32],
  ['l', INT64],
  ['lu', U64],
]

function operationsOf(format: FloatFormat): Record<string, { operands: number; exact: Exact }> {
  const binary = (run: Binary) => ({
    operands: 2,
    exact: ((o, s) => run(format, o[0] as bigint, o[1] as bigint, s)) as Exact,
  })
  const relation = (run: Relation) => ({
    operands: 2,
    exact: ((o, s) => (run(format, o[0] as bigint, o[1] as bigint, s) ? 1n : 0n)) as Exact,
  })
  const operations: Record<string, { operands: number; exact: Exact }> = {
    add: binary(floatAdd),
    sub: binary(floatSub),
    mul: binary(floatMul),
    div: binary(floatDiv),
    min: binary(floatMin),
    max: binary(floatMax),
    eq: relation(floatEq),
    lt: relation(floatLt),
    le: relation(floatLe),
    sqrt: { operands: 1, exact: (o, s) => floatSqrt(format, o[0] as bigint, s) },
    fma: { operands: 3, exact: (o, s) => floatFma(format, o[0] as bigint, o[1] as bigint, o[2] as bigint, s) },
    class: { operands: 1, exact: o => BigInt(floatClass(format, o[0] as bigint)) },
  }
  for (const [name, integer] of INTEGERS) {
    operations[`to.${name}`] = {
      operands: 1,
      exact: (o, s) => BigInt.asIntN(integer.bits, floatToInteger(format, integer, o[0] as bigint, s)),
    }
    operations[`from.${name}`] = {
      operands: 1,
      exact: (o, s) => integerToFloat(integer, format, BigInt.asUintN(integer.bits, o[0] as bigint), s),
    }
  }
  return operations
}

const prefixed = (prefix: string, operations: ReturnType<typeof operationsOf>): ReturnType<typeof operationsOf> =>
  Object.fromEntries(Object.entries(operations).map(([name, operation]) => [`${prefix}.${name}`, operation]))

/** Every floating-point function that rows call, by name: `(state, operands…, rounding mode) → bits`. */
export const FLOAT_OPERATIONS: Readonly<Record<string, { readonly operands: number; readonly exact: Exact }>> = {
  ...prefixed('f32', operationsOf(SINGLE)),
  ...prefixed('f64', operationsOf(DOUBLE)),
  'f64.to.f32': { operands: 1, exact: (o, s) => floatToFloat(DOUBLE, SINGLE, o[0] as bigint, s) },
  'f32.to.f64': { operands: 1, exact: (o, s) => floatToFloat(SINGLE, DOUBLE, o[0] as bigint, s) },
}

/** The types of those functions. */
export const FLOAT_TYPES: Readonly<Record<string, FunctionType>> = Object.fromEntries(
  Object.entries(FLOAT_OPERATIONS).map(([name, { operands }]) => [
    name,
    { kind: 'func', params: [I32, ...Array<number>(operands).fill(I64), I32], results: [I64] },
  ]),
)
