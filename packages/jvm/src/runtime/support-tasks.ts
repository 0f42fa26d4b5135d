import {
  EXTERNREF,
  F64,
  type FunctionBuilder,
  type FunctionRef,
  I32,
  type Node,
  Op,
  type ValueType,
} from '@doppel/wasm'
import { DEPTH_ADDRESS, OBJ } from '../translate/types.ts'
import { RAISE, type Support, type SupportFunction } from './support.ts'

/** What `step` answers: the task is done, has thrown, wants Java called, or must wait. */
export const STEP = { done: 0, threw: 1, call: 2, wait: 3 } as const

const call = (fn: FunctionBuilder, s: Support, name: string, ...args: Node[]): Node =>
  fn.call(s.functions[name] as FunctionRef, args)

/** Runs the task that a host function returns, if it returns one. */
function runs(name: string, host: string, kinds: readonly ValueType[]): SupportFunction {
  return {
    name,
    params: kinds,
    results: [],
    body: (fn, gc, s) => {
      const task = fn.let(call(fn, s, host, ...kinds.map((_, i) => fn.get(i))))
      fn.if(fn.op(Op.i32Eqz, gc.refIsNull(fn.get(task))))
      fn.effect(call(fn, s, 'runTask', fn.get(task)))
      fn.end()
      fn.return()
    },
  }
}

/** Raises one of `RAISE`; never returns. */
function raises(name: string, code: number, ints: number, object: boolean): SupportFunction {
  return {
    name,
    params: object ? [OBJ, ...Array.from({ length: ints }, () => I32)] : Array.from({ length: ints }, () => I32),
    results: [],
    body: (fn, gc, s) => {
      const int = (i: number): Node => (i < ints ? fn.get(i + (object ? 1 : 0)) : fn.i32(0))
      const value = object ? fn.get(0) : gc.refNull(OBJ)
      fn.effect(call(fn, s, 'runTask', call(fn, s, 'raiseTask', fn.i32(code), int(0), int(1), value)))
      fn.unreachable()
    },
  }
}

/**
 * Runs host-side work that may call Java: the host steps it; calls and waits are done here, so that no host frame
 * stands between two compiled ones and the stack may be suspended.
 */
const runTask: SupportFunction = {
  name: 'runTask',
  params: [EXTERNREF],
  results: [],
  body: (fn, gc, s) => {
    const depth = fn.let(fn.load(Op.i32Load, fn.i32(0), DEPTH_ADDRESS))
    const exception = fn.local(OBJ)
    const state = fn.local(I32)
    const [loop, invoke, other, threw, failed, waits, done, end] = Array.from({ length: 8 }, () => fn.block()) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    fn.jump(loop)
    fn.at(loop)
    fn.set(state, call(fn, s, 'step', fn.get(0)))
    fn.branch(fn.op(Op.i32Eq, fn.get(state), fn.i32(STEP.call)), invoke, other)
    fn.at(invoke)
    fn.guard({ target: threw, tag: s.tag, into: exception })
    const type = { kind: 'func', params: [EXTERNREF], results: [] } as const
    fn.effect(fn.callIndirect(s.module.type(type), type, 0, call(fn, s, 'adapterOf', fn.get(0)), [fn.get(0)]))
    fn.jump(loop)
    fn.at(threw)
    fn.store(Op.i32Store, fn.i32(0), fn.get(depth), DEPTH_ADDRESS)
    fn.effect(call(fn, s, 'caught', fn.get(0), fn.get(exception)))
    fn.jump(loop)
    fn.at(other)
    fn.switch(fn.get(state), [end, failed], waits)
    fn.at(waits)
    fn.effect(call(fn, s, 'await', fn.get(0)))
    fn.jump(loop)
    fn.at(failed)
    gc.throw(s.tag, [call(fn, s, 'exceptionOf', fn.get(0))])
    fn.at(end)
    fn.jump(done)
    fn.at(done)
    fn.return()
  },
}

const poll: SupportFunction = {
  name: 'poll',
  params: [],
  results: [],
  body: (fn, _gc, s) => {
    fn.if(call(fn, s, 'pollNeeded'))
    fn.effect(call(fn, s, 'yieldNow'))
    fn.end()
    fn.return()
  },
}

/** A method has been called often: it may be compiled again, and others may want a turn. */
const hot: SupportFunction = {
  name: 'hot',
  params: [I32],
  results: [],
  body: (fn, _gc, s) => {
    fn.effect(call(fn, s, 'hotMethod', fn.get(0)))
    fn.effect(call(fn, s, 'poll'))
    fn.return()
  },
}

/** A reference object (java.lang.ref) has been given its referent. */
const madeReference: SupportFunction = {
  name: 'madeReference',
  params: [OBJ],
  results: [],
  body: (fn, _gc, s) => {
    fn.effect(call(fn, s, 'referenceMade', fn.get(0)))
    fn.return()
  },
}

/** A loop has run long: others may want a turn; then it goes on at the place in the code table, or, for 0, as it is. */
const loopPoll: SupportFunction = {
  name: 'loopPoll',
  params: [I32],
  results: [I32],
  body: (fn, _gc, s) => {
    fn.effect(call(fn, s, 'poll'))
    fn.return(call(fn, s, 'loopPlace', fn.get(0)))
  },
}

/** A function of the host, called through this module so that other modules need no wrapper of their own for it. */
function passes(name: string, host: string, kinds: readonly ValueType[], result: ValueType): SupportFunction {
  return {
    name,
    params: kinds,
    results: [result],
    body: (fn, _gc, s) => fn.return(call(fn, s, host, ...kinds.map((_, i) => fn.get(i)))),
  }
}

/** Tasks, and everything that begins with one. */
export const taskSupport: readonly SupportFunction[] = [
  runTask,
  poll,
  hot,
  loopPoll,
  madeReference,
  passes('drem', 'hostRemainder', [F64, F64], F64),
  passes('exp', 'hostExp', [F64], F64),
  passes('referent', 'referentOf', [OBJ], OBJ),
  passes('traceDepth', 'depthOf', [OBJ], I32),
  passes('multiNewArray', 'hostMultiArray', [I32, I32], OBJ),
  runs('compile', 'compileTask', [I32]),
  runs('link', 'linkTask', [I32]),
  runs('init', 'initTask', [I32]),
  runs('missing', 'missingTask', [OBJ, I32]),
  raises('npe', RAISE.nullPointer, 0, false),
  raises('arithmetic', RAISE.arithmetic, 0, false),
  raises('index', RAISE.arrayIndex, 2, false),
  raises('negativeSize', RAISE.negativeSize, 1, false),
  raises('classCast', RAISE.classCast, 1, true),
  raises('arrayStore', RAISE.arrayStore, 0, true),
  raises('stackOverflow', RAISE.stackOverflow, 0, false),
  raises('illegalMonitor', RAISE.illegalMonitor, 0, true),
  raises('outOfMemory', RAISE.outOfMemory, 1, false),
  raises('copyBounds', RAISE.copyBounds, 2, true),
]
