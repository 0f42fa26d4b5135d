import { expect, test } from 'vitest'
import type { FunctionBuilder } from './function.ts'
import { ModuleBuilder } from './module.ts'
import { Op } from './opcodes.ts'
import { I32, I64, type ValueType } from './types.ts'

/** Builds, compiles and returns one exported function. */
function compile<F>(params: ValueType[], results: ValueType[], body: (fn: FunctionBuilder) => void): F {
  const module = new ModuleBuilder()
  const f = module.declare('f', { kind: 'func', params, results })
  const fn = module.build(f)
  body(fn)
  module.finish(fn)
  module.export('f', 'func', f.index)
  return new WebAssembly.Instance(new WebAssembly.Module(module.encode())).exports.f as F
}

test.each([0n, 1n, -1n, 63n, 64n, -64n, -65n, 1n << 31n, -(1n << 63n), (1n << 63n) - 1n, 0x0123_4567_89ab_cdefn])(
  'the constant %d survives encoding',
  value => {
    const f = compile<() => bigint>([], [I64], fn =>
      fn.return(fn.i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))),
    )
    expect(f()).toBe(value)
  },
)

test('a loop with an early exit is structured', () => {
  // Collatz steps, at most 1000.
  const steps = compile<(n: bigint) => number>([I64], [I32], fn => {
    const count = fn.local(I32)
    const [head, body, odd, even, next, done] = [1, 2, 3, 4, 5, 6].map(() => fn.block()) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    fn.jump(head)
    fn.at(head)
    fn.branch(fn.op(Op.i64Eq, fn.get(0), fn.i64(1)), done, body, 'unlikely')
    fn.at(body)
    fn.branch(fn.op(Op.i32WrapI64, fn.op(Op.i64And, fn.get(0), fn.i64(1))), odd, even)
    fn.at(odd)
    fn.set(0, fn.op(Op.i64Add, fn.op(Op.i64Mul, fn.get(0), fn.i64(3)), fn.i64(1)))
    fn.jump(next)
    fn.at(even)
    fn.set(0, fn.op(Op.i64ShrU, fn.get(0), fn.i64(1)))
    fn.jump(next)
    fn.at(next)
    fn.set(count, fn.op(Op.i32Add, fn.get(count), fn.i32(1)))
    fn.branch(fn.op(Op.i32LtU, fn.get(count), fn.i32(1000)), head, done)
    fn.at(done)
    fn.return(fn.get(count))
  })
  expect([1n, 6n, 7n, 27n].map(steps)).toEqual([0, 8, 16, 111])
})

test('a switch reaches every arm and its fallback', () => {
  const f = compile<(n: number) => number>([I32], [I32], fn => {
    const arms = [10, 20, 30].map(value => {
      const block = fn.block()
      fn.at(block)
      fn.return(fn.i32(value))
      return block
    })
    fn.at(0)
    fn.switch(fn.get(0), arms.slice(0, 2), arms[2] as number)
  })
  expect([0, 1, 2, 99].map(f)).toEqual([10, 20, 30, 30])
})

test('a structured if inside a block may leave the function', () => {
  const f = compile<(n: number) => number>([I32], [I32], fn => {
    fn.if(fn.op(Op.i32Eqz, fn.get(0)), 'unlikely')
    fn.return(fn.i32(-1))
    fn.end()
    const twice = fn.let(fn.op(Op.i32Add, fn.get(0), fn.get(0)))
    fn.return(fn.op(Op.i32Mul, fn.get(twice), fn.get(twice)))
  })
  expect([f(0), f(3)]).toEqual([-1, 36])
})

test('functions call one another, and a tail call takes no stack', () => {
  const module = new ModuleBuilder()
  const type = { kind: 'func', params: [I32, I32], results: [I32] } as const
  const sum = module.declare('sum', type)
  const fn = module.build(sum)
  fn.if(fn.op(Op.i32Eqz, fn.get(0)))
  fn.return(fn.get(1))
  fn.end()
  fn.returnCall(sum, [fn.op(Op.i32Sub, fn.get(0), fn.i32(1)), fn.op(Op.i32Add, fn.get(1), fn.i32(1))])
  module.finish(fn)
  module.export('sum', 'func', sum.index)
  const exports = new WebAssembly.Instance(new WebAssembly.Module(module.encode())).exports
  expect((exports.sum as (a: number, b: number) => number)(1_000_000, 0)).toBe(1_000_000)
})

test('an operand of the wrong type is refused when the node is made', () => {
  expect(() => compile([I32], [I64], fn => fn.return(fn.op(Op.i64Add, fn.get(0), fn.i64(1))))).toThrow(/i64.add/)
})

test('structures, arrays and references to them are valid type sections', () => {
  const module = new ModuleBuilder()
  const base = module.type({ kind: 'struct', fields: [{ type: I32, mutable: false }] })
  module.type({
    kind: 'struct',
    supertype: base,
    fields: [
      { type: I32, mutable: false },
      { type: I64, mutable: true },
    ],
  })
  module.type({ kind: 'array', element: { type: 0x78, mutable: true } })
  module.tag({ kind: 'func', params: [I32], results: [] })
  expect(WebAssembly.validate(module.encode())).toBe(true)
})

test('cold blocks run in turn from the one left for, and are placed behind', () => {
  const module = new ModuleBuilder()
  const f = module.declare('f', { kind: 'func', params: [I32], results: [I32] })
  const fn = module.build(f)
  const sum = fn.local(I32)
  const add = (n: number): void => fn.set(sum, fn.op(Op.i32Add, fn.get(sum), fn.i32(n)))
  const [end, second, first] = [fn.cold(), fn.cold(), fn.cold()]
  fn.inCold(end, () => fn.return(fn.get(sum)))
  fn.inCold(second, () => add(10))
  fn.inCold(first, () => add(100))
  fn.leaveIf(fn.op(Op.i32Eq, fn.get(0), fn.i32(1)), first, 'unlikely')
  fn.if(fn.op(Op.i32Eq, fn.get(0), fn.i32(2)))
  fn.leave(second)
  fn.end()
  const next = fn.block()
  fn.jump(next)
  fn.at(next)
  add(1)
  fn.leave(end)
  module.finish(fn)
  module.export('f', 'func', f.index)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()))
  const call = instance.exports.f as (n: number) => number
  expect([call(1), call(2), call(3)]).toEqual([110, 10, 1])
})

test('locals of ended lets serve again, by type', () => {
  const module = new ModuleBuilder()
  const f = module.declare('f', { kind: 'func', params: [], results: [I32] })
  const fn = module.build(f)
  const first = fn.let(fn.i32(1))
  fn.endLets()
  const [same, other] = [fn.let(fn.i32(2)), fn.let(fn.i64(3))]
  expect(same).toBe(first)
  expect(other).not.toBe(first)
  fn.return(fn.get(same))
  module.finish(fn)
  expect(WebAssembly.validate(module.encode())).toBe(true)
})
