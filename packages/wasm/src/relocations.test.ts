import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Gc } from './gc.ts'
import { ModuleBuilder } from './module.ts'
import { Op } from './opcodes.ts'
import { type FunctionType, I32, ref } from './types.ts'

const BINARY: FunctionType = { kind: 'func', params: [I32, I32], results: [I32] }

/** A base that all modules of the test begin with. */
function baseModule(): ModuleBuilder {
  const base = new ModuleBuilder()
  base.type(BINARY)
  return base
}

/** Functions that make a pair of `fields` numbers, in a local of its type, and call one another. */
function pairModule(
  base: ModuleBuilder,
  fields: number,
  relocatable: boolean,
): { module: ModuleBuilder; pair: number } {
  const module = new ModuleBuilder(base, relocatable)
  const pair = module.defineType(pairType(fields))
  const last = module.declare('last', BINARY)
  const sum = module.declare('sum', BINARY)
  const f = module.build(last)
  const gc = new Gc(f)
  const made = f.local(ref(pair))
  f.set(
    made,
    gc.structNew(
      pair,
      ref(pair, false),
      Array.from({ length: fields }, (_, i) => f.get(i === 0 ? 0 : 1)),
    ),
  )
  f.return(gc.structGet(pair, fields - 1, I32, gc.refCast(ref(pair, false), f.get(made))))
  module.finish(f)
  const s = module.build(sum)
  s.return(s.op(Op.i32Add, s.call(last, [s.get(0), s.get(1)]), s.get(0)))
  module.finish(s)
  return { module, pair }
}
const pairType = (fields: number) =>
  ({ kind: 'struct', fields: Array.from({ length: fields }, () => ({ type: I32, mutable: true })) }) as const

test('functions of many modules run in one module, whose types and functions have other numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 12 }), sizes => {
      const base = baseModule()
      const all = new ModuleBuilder(base)
      all.defineType({ kind: 'array', element: { type: I32, mutable: true } })
      const known = new Map<number, number>()
      sizes.forEach((fields, i) => {
        const { module, pair } = pairModule(base, fields, true)
        const first = all.adopt(module, index => {
          if (index !== pair) return index
          const type = known.get(fields) ?? all.defineType(pairType(fields))
          known.set(fields, type)
          return type
        })
        all.export(`f${i}`, 'func', first + 1)
      })
      const bytes = all.encode()
      expect(WebAssembly.validate(bytes)).toBe(true)
      const run = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, unknown>
      const results = sizes.map((_, i) => (run[`f${i}`] as (a: number, b: number) => number)(40 + i, 2))
      expect(results).toEqual(sizes.map((_, i) => 42 + i))
    }),
    { numRuns: 20 },
  )
})

test('a module that will not be taken over has short indices', () => {
  const base = baseModule()
  const [short, long] = [false, true].map(relocatable => pairModule(base, 2, relocatable).module.codeBytes)
  expect(short).toBeLessThan(long as number)
})
