import { type FunctionRef, type FunctionType, I32, ModuleBuilder, Op } from '@doppel/wasm'
import { ExecutionError } from './execution-errors.ts'
import { Emitter, Exit } from './emitter.ts'
import { BY_OPCODE, INSTRUCTIONS } from './instructions.ts'
import { MEMORY_PAGES } from './layout.ts'
import type { Value } from './ops.ts'
import type { Format, Instruction } from './row.ts'

/** What the interpreter asks of its host. */
export interface InterpreterHost {
  readonly memory: WebAssembly.Memory
  /** Does the operation of a row: 0, or with what `run` is to return. */
  readonly operation: (row: number, a: number, b: number) => number
  /** Brings a segment into memory: 0, or an execution error. */
  readonly load: (segment: number) => number
  readonly unload: (segment: number) => void
}

/** Runs at most so many instructions: an `Exit`, or what an operation of the host returned. */
export type Run = (instructions: number) => number

const HOST = 'host'
const RUN: FunctionType = { kind: 'func', params: [I32], results: [I32] }
const CLIMB: FunctionType = { kind: 'func', params: [I32, I32], results: [I32] }
const OPERATION: FunctionType = { kind: 'func', params: [I32, I32, I32], results: [I32] }
const LOAD: FunctionType = { kind: 'func', params: [I32], results: [I32] }
const UNLOAD: FunctionType = { kind: 'func', params: [I32], results: [] }

/** Procedures are not nested more deeply than this: a level is a byte. */
const MAX_LEVELS = 256

const modules = new Map<boolean, WebAssembly.Module>()

/** The interpreter, made of the rows, for a machine of this byte sex. */
export function makeInterpreter(host: InterpreterHost, bigEndian: boolean): Run {
  const module = modules.get(bigEndian) ?? new WebAssembly.Module(interpreterBytes(bigEndian))
  modules.set(bigEndian, module)
  const { memory, operation, load, unload } = host
  const { exports } = new WebAssembly.Instance(module, { [HOST]: { memory, operation, load, unload } })
  return exports.run as Run
}

function interpreterBytes(bigEndian: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  module.importMemory(HOST, 'memory', { min: MEMORY_PAGES, max: MEMORY_PAGES })
  const operation = module.importFunction(HOST, 'operation', OPERATION)
  const load = module.importFunction(HOST, 'load', LOAD)
  const unload = module.importFunction(HOST, 'unload', UNLOAD)
  const climb = module.declare('climb', CLIMB)
  const run = module.declare('run', RUN)
  writeClimb(module, climb)
  writeRun(module, run, { climb, load, unload }, operation, bigEndian)
  module.export('run', 'func', run.index)
  return module.encode()
}

function writeClimb(module: ModuleBuilder, declared: FunctionRef): void {
  const fn = module.build(declared)
  const [frame, levels] = [0, 1]
  const [loop, up, done] = [fn.block(), fn.block(), fn.block()]
  fn.if(fn.op(Op.i32GtS, fn.get(levels), fn.i32(MAX_LEVELS)))
  fn.set(levels, fn.i32(MAX_LEVELS))
  fn.end()
  fn.jump(loop)
  fn.at(loop)
  fn.branch(fn.op(Op.i32GtS, fn.get(levels), fn.i32(0)), up, done)
  fn.at(up)
  fn.set(frame, fn.load(Op.i32Load16U, fn.op(Op.i32And, fn.get(frame), fn.i32(0xfffe))))
  fn.set(levels, fn.op(Op.i32Sub, fn.get(levels), fn.i32(1)))
  fn.jump(loop)
  fn.at(done)
  fn.return(fn.get(frame))
  module.finish(fn)
}

function writeRun(
  module: ModuleBuilder,
  declared: FunctionRef,
  calls: ConstructorParameters<typeof Emitter>[1],
  operation: FunctionRef,
  bigEndian: boolean,
): void {
  const fn = module.build(declared)
  const instructions = 0
  const head = fn.block()
  const m = new Emitter(fn, calls, bigEndian, head)
  m.reload()
  // A call that is asked for is made where the budget has run out, since the loop can be entered only at its head.
  m.set('budget', fn.select(m.callIsAsked(), fn.i32(0), fn.get(instructions)))
  fn.jump(head)

  const unimplemented = fn.block()
  fn.at(unimplemented)
  m.faultIf(fn.i32(1), ExecutionError.unimplemented)
  fn.jump(head)
  const write = (row: Instruction, index: number): void => {
    const [a, b] = row.formats.map(format => operandOf(m, format))
    const none: Value = () => fn.i32(0)
    if (row.inline) row.inline(m, a ?? none, b ?? none, index)
    else m.onHost(operation, INSTRUCTIONS.indexOf(row), a ?? none, b ?? none)
    if (!fn.closed) fn.jump(head)
    fn.endLets()
  }
  const handlers = BY_OPCODE.map((rows, opcode) => {
    const [first] = rows
    if (first === undefined) return unimplemented
    const handler = fn.block()
    fn.at(handler)
    if (first.operandType === undefined) {
      write(first, opcode - first.opcode)
      return handler
    }
    const types = Array.from({ length: MAX_OPERAND_TYPE + 1 }, () => unimplemented)
    const type = m.fetchByte()
    for (const row of rows) types[row.operandType as number] = fn.block()
    fn.switch(type, types, unimplemented)
    for (const row of rows) {
      fn.at(types[row.operandType as number] as number)
      write(row, 0)
    }
    return handler
  })

  fn.at(head)
  m.set('budget', fn.op(Op.i32Sub, m.get('budget'), fn.i32(1)))
  const [over, on] = [fn.block(), fn.block()]
  fn.branch(fn.op(Op.i32LtS, m.get('budget'), fn.i32(0)), over, on, 'unlikely')
  fn.at(over)
  m.takeUpCall(() => m.set('budget', fn.get(instructions)))
  m.spill()
  fn.return(fn.i32(Exit.budget))
  fn.at(on)
  m.set('instruction', m.ipc())
  fn.switch(m.fetchByte(), handlers, unimplemented)
  m.finish()
  module.finish(fn)
}

/** The highest byte that says what a comparison compares. */
const MAX_OPERAND_TYPE: number = Math.max(...INSTRUCTIONS.map(({ operandType }) => operandType ?? 0))

/** Takes an operand from the code, as its format has it. */
function operandOf(m: Emitter, format: Format): Value {
  const { fn } = m
  const first = fn.let(m.fetchByte())
  const operand = (): number => fn.get(first)
  if (format === 'SB') fn.set(first, fn.op(Op.i32Extend8S, operand()))
  if (format === 'W') fn.set(first, fn.op(Op.i32Or, operand(), fn.op(Op.i32Shl, m.fetchByte(), fn.i32(8))))
  if (format === 'B') {
    // The nine of ten that are one byte long pass straight through.
    const [long, done] = [fn.block(), fn.block()]
    fn.branch(fn.op(Op.i32GtU, operand(), fn.i32(127)), long, done, 'unlikely')
    fn.at(long)
    const high = fn.op(Op.i32Shl, fn.op(Op.i32And, operand(), fn.i32(127)), fn.i32(8))
    fn.set(first, fn.op(Op.i32Or, high, m.fetchByte()))
    fn.jump(done)
    fn.at(done)
  }
  return operand
}
