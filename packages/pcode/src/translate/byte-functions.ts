import { type FunctionRef, type FunctionType, I32, type ModuleBuilder, Op } from '@doppel/wasm'

const COMPARE: FunctionType = { kind: 'func', params: [I32, I32, I32], results: [I32] }
const FILL: FunctionType = { kind: 'func', params: [I32, I32, I32], results: [] }

/** Functions that generated code calls for work on many bytes. */
export function declareByteFunctions(module: ModuleBuilder): {
  readonly compare: FunctionRef
  readonly fill: FunctionRef
} {
  return { compare: module.declare('compareBytes', COMPARE), fill: module.declare('fillFrame', FILL) }
}

/** Writes them. */
export function writeByteFunctions(module: ModuleBuilder, helpers: ReturnType<typeof declareByteFunctions>): void {
  writeCompare(module, helpers.compare)
  writeFill(module, helpers.fill)
}

/** compareBytes(a, b, count): the difference of the first two bytes that differ, else 0. */
function writeCompare(module: ModuleBuilder, declared: FunctionRef): void {
  const fn = module.build(declared)
  const [a, b, count, x, y] = [0, 1, 2, fn.local(I32), fn.local(I32)]
  const [loop, body, equal, done] = [fn.block(), fn.block(), fn.block(), fn.block()]
  fn.jump(loop)
  fn.at(loop)
  fn.branch(fn.op(Op.i32GtS, fn.get(count), fn.i32(0)), body, done)
  fn.at(body)
  fn.set(x, fn.load(Op.i32Load8U, fn.get(a)))
  fn.set(y, fn.load(Op.i32Load8U, fn.get(b)))
  fn.if(fn.op(Op.i32Ne, fn.get(x), fn.get(y)))
  fn.return(fn.op(Op.i32Sub, fn.get(x), fn.get(y)))
  fn.end()
  fn.jump(equal)
  fn.at(equal)
  fn.set(a, fn.op(Op.i32Add, fn.get(a), fn.i32(1)))
  fn.set(b, fn.op(Op.i32Add, fn.get(b), fn.i32(1)))
  fn.set(count, fn.op(Op.i32Sub, fn.get(count), fn.i32(1)))
  fn.jump(loop)
  fn.at(done)
  fn.return(fn.i32(0))
  module.finish(fn)
}

/** fillFrame(from, bytes, word): fills bytes, a multiple of 8, with a word. */
function writeFill(module: ModuleBuilder, declared: FunctionRef): void {
  const fn = module.build(declared)
  const [from, bytes, word, end] = [0, 1, 2, fn.local(I32)]
  const [words, loop, body, done] = [fn.block(), fn.block(), fn.block(), fn.block()]
  fn.if(fn.op(Op.i32Eqz, fn.get(word)))
  fn.effect(fn.op(Op.memoryFill, fn.get(from), fn.i32(0), fn.get(bytes)))
  fn.return()
  fn.end()
  fn.jump(words)
  fn.at(words)
  fn.set(end, fn.op(Op.i32Add, fn.get(from), fn.get(bytes)))
  fn.jump(loop)
  fn.at(loop)
  fn.branch(fn.op(Op.i32LtU, fn.get(from), fn.get(end)), body, done)
  fn.at(body)
  fn.store(Op.i32Store, fn.get(from), fn.get(word), 0)
  fn.store(Op.i32Store, fn.get(from), fn.get(word), 4)
  fn.set(from, fn.op(Op.i32Add, fn.get(from), fn.i32(8)))
  fn.jump(loop)
  fn.at(done)
  fn.return()
  module.finish(fn)
}
