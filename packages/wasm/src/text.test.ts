import { expect, test } from 'vitest'
import { functionText, I32, I64, ModuleBuilder, Op } from './index.ts'

test('a function reads as what was built', () => {
  const module = new ModuleBuilder()
  const declared = module.declare('sum', { kind: 'func', params: [I32, I64], results: [I64] })
  const fn = module.build(declared)
  const sum = fn.local(I64)
  const [loop, done] = [fn.block(), fn.block()]
  fn.jump(loop)
  fn.at(loop)
  fn.set(sum, fn.op(Op.i64Add, fn.get(sum), fn.load(Op.i64Load, fn.get(0), 24)))
  fn.branch(fn.op(Op.i64LtS, fn.get(sum), fn.i64(-5, -7)), loop, done)
  fn.at(done)
  fn.return(fn.op(Op.i64TruncSatF64S, fn.f64Bits(0, 0x40080000)))
  module.finish(fn)
  expect(functionText(module.body(declared).code).split('\n')).toEqual([
    '(local 1 x i64)',
    '  loop',
    '    local.get 2',
    '    local.get 0',
    '    i64.load offset=24',
    '    i64.add',
    '    local.set 2',
    '    local.get 2',
    // -7 in the upper half, -5 in the lower one.
    `    i64.const ${(-7n << 32n) | BigInt.asUintN(32, -5n)}`,
    '    i64.lt_s',
    '    br_if 0',
    '    f64.const 3',
    '    i64.trunc_sat_f64_s',
    '    return',
    '  end',
    '  unreachable',
    'end',
  ])
})

test('calls name what they call, where that has a name', () => {
  const module = new ModuleBuilder()
  const callee = module.declare('callee', { kind: 'func', params: [], results: [] })
  const caller = module.declare('caller', { kind: 'func', params: [], results: [] })
  const fn = module.build(caller)
  fn.effect(fn.call(callee, []))
  fn.return()
  module.finish(fn)
  const { code } = module.body(caller)
  expect(functionText(code)).toMatch(/^ {2}call 0$/m)
  expect(functionText(code, new Map([[callee.index, 'callee']]))).toMatch(/^ {2}call \$callee$/m)
})
