import { expect, test } from 'vitest'
import { Gc } from './gc.ts'
import { ModuleBuilder } from './module.ts'
import { Op } from './opcodes.ts'
import { type FunctionType, I32, I8, ref } from './types.ts'

function instantiate(module: ModuleBuilder): Record<string, unknown> {
  const bytes = module.encode()
  expect(WebAssembly.validate(bytes)).toBe(true)
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
}

test('a field of a subtype is read through a cast; another type or null goes to the failing call', () => {
  const module = new ModuleBuilder()
  const base = module.defineType({ kind: 'struct', fields: [{ type: I32, mutable: true }] })
  const leaf = module.defineType({
    kind: 'struct',
    supertype: base,
    fields: [
      { type: I32, mutable: true },
      { type: I32, mutable: true },
    ],
  })
  const tag = module.tag({ kind: 'func', params: [I32], results: [] })
  const nonNull = module.type({ kind: 'func', params: [ref(base)], results: [ref(base, false)] })
  const fail = module.declare('fail', { kind: 'func', params: [], results: [] })
  const failing = module.build(fail)
  new Gc(failing).throw(tag, [failing.i32(7)])
  module.finish(failing)

  const f = module.declare('f', { kind: 'func', params: [I32], results: [I32] })
  const fn = module.build(f)
  const gc = new Gc(fn)
  const object = fn.local(ref(base))
  const caught = fn.local(I32)
  const [make, nothing, use, handler] = [fn.block(), fn.block(), fn.block(), fn.block()]
  fn.branch(fn.get(0), make, nothing)
  fn.at(make)
  fn.set(object, gc.structNew(leaf, ref(leaf, false), [fn.i32(1), fn.get(0)]))
  fn.jump(use)
  fn.at(nothing)
  fn.set(object, gc.refNull(ref(base)))
  fn.jump(use)
  fn.at(use)
  fn.guard({ target: handler, tag, into: caught })
  fn.mark(42)
  const made = gc.nonNullOr(ref(base, false), fn.get(object), nonNull, fail)
  fn.return(gc.structGet(leaf, 1, I32, gc.refCast(ref(leaf, false), made)))
  fn.at(handler)
  fn.return(fn.op(Op.i32Add, fn.get(caught), fn.i32(1000)))
  module.finish(fn)
  module.export('f', 'func', f.index)
  const run = instantiate(module).f as (n: number) => number
  expect([run(5), run(0)]).toEqual([5, 1007])
  expect(module.marks(fn)[1]).toBe(42)
})

test('functions are put into a table, and typed tables hold arrays', () => {
  const module = new ModuleBuilder()
  const bytes = module.defineType({ kind: 'array', element: { type: I8, mutable: true } })
  module.table(0x70, { min: 4 })
  module.table(ref(bytes), { min: 2 })
  const type: FunctionType = { kind: 'func', params: [], results: [I32] }
  const inner = module.declare('inner', type)
  const outer = module.declare('outer', type)
  const a = module.build(inner)
  const g = new Gc(a)
  g.tableSet(1, a.i32(1), g.arrayNew(bytes, ref(bytes, false), a.i32(-1), a.i32(3)))
  const array = a.let(g.tableGet(1, ref(bytes), a.i32(1)))
  a.return(
    a.op(
      Op.i32Add,
      g.arrayGetU(bytes, a.get(array), a.i32(2)),
      a.op(Op.i32Mul, g.arrayLength(a.get(array)), g.arrayGetS(bytes, a.get(array), a.i32(0))),
    ),
  )
  module.finish(a)
  const b = module.build(outer)
  b.return(b.callIndirect(module.type(type), type, 0, b.i32(3), []))
  module.finish(b)
  module.elements(0, 3, [inner])
  module.export('f', 'func', outer.index)
  expect((instantiate(module).f as () => number)()).toBe(255 - 3)
})
