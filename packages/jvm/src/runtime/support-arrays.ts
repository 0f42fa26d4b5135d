import { EQREF, type FunctionBuilder, type FunctionRef, type Gc, I32, I8, I16, type Node, Op, ref } from '@doppel/wasm'
import { ARRAY, ARRAYS, OBJ, OBJECT, PRESSURE_ADDRESS, T, TABLE, VT } from '../translate/types.ts'
import type { Support, SupportFunction } from './support.ts'

/** Elements that an array may have at most; more is an OutOfMemoryError, as V8 would end the program. */
const MAX_BYTES = 0x3000_0000
/** Arrays longer than this are asked for at the host, as so many bytes an element. */
const LARGE_LENGTH = 4096
const AVERAGE_BYTES = 2

const KINDS = ['B', 'S', 'I', 'J', 'F', 'D', 'L'] as const

const call = (fn: FunctionBuilder, s: Support, name: string, ...args: Node[]): Node =>
  fn.call(s.functions[name] as FunctionRef, args)

/** The elements of an array known to be of this kind, cast. */
function elements(gc: Gc, kind: string, array: Node): Node {
  const a = ARRAYS[kind] as (typeof ARRAYS)[string]
  return gc.structGet(a.wrapper, ARRAY.elements, ref(a.elements, false), gc.refCast(ref(a.wrapper, false), array))
}

/** The host’s way to an element; the index has been checked. */
function accessors(kind: string): readonly SupportFunction[] {
  const a = ARRAYS[kind] as (typeof ARRAYS)[string]
  const packed = a.storage === I8 || a.storage === I16
  return [
    {
      name: `get${kind}`,
      params: [OBJ, I32],
      results: [a.value],
      body: (fn, gc) => {
        const from = elements(gc, kind, fn.get(0))
        fn.return(
          packed ? gc.arrayGetS(a.elements, from, fn.get(1)) : gc.arrayGet(a.elements, a.value, from, fn.get(1)),
        )
      },
    },
    {
      name: `set${kind}`,
      params: [OBJ, I32, a.value],
      results: [],
      body: (fn, gc) => {
        gc.arraySet(a.elements, elements(gc, kind, fn.get(0)), fn.get(1), fn.get(2))
        fn.return()
      },
    },
    {
      name: `new${kind}`,
      params: [I32, I32],
      results: [OBJ],
      body: (fn, gc) => {
        const header = [
          gc.refAsNonNull(ref(T.vt, false), gc.tableGet(TABLE.records, ref(T.vt), fn.get(0))),
          fn.i32(0),
          fn.i32(0),
          fn.get(1),
        ]
        fn.return(
          gc.structNew(a.wrapper, OBJ, [...header, gc.arrayNewDefault(a.elements, ref(a.elements, false), fn.get(1))]),
        )
      },
    },
  ]
}

/** The kind letter of an array’s elements as a number: index into `KINDS`. */
const arrayKind: SupportFunction = {
  name: 'arrayKind',
  params: [OBJ],
  results: [I32],
  body: (fn, gc) => {
    KINDS.forEach((kind, i) => {
      fn.if(gc.refTest(ref(ARRAYS[kind]?.wrapper as number, false), fn.get(0)))
      fn.return(fn.i32(i))
      fn.end()
    })
    fn.return(fn.i32(-1))
  },
}

const arrayLength: SupportFunction = {
  name: 'arrayLength',
  params: [OBJ],
  results: [I32],
  body: (fn, gc) => fn.return(gc.structGet(T.array, ARRAY.length, I32, gc.refCast(ref(T.array, false), fn.get(0)))),
}

/** A new array of the class with number 0 and this length; its kind by the element class’s number. */
const newArray: SupportFunction = {
  name: 'newArray',
  params: [I32, I32],
  results: [OBJ],
  body: (fn, gc, s) => {
    fn.if(fn.op(Op.i32LtS, fn.get(1), fn.i32(0)))
    fn.effect(call(fn, s, 'negativeSize', fn.get(1)))
    fn.end()
    fn.if(fn.op(Op.i32GtS, fn.get(1), fn.i32(LARGE_LENGTH)), 'unlikely')
    fn.effect(call(fn, s, 'reserve', fn.op(Op.i32Mul, fn.get(1), fn.i32(AVERAGE_BYTES))))
    fn.end()
    const record = fn.let(gc.tableGet(TABLE.records, ref(T.vt), fn.get(0)))
    const element = fn.let(gc.structGet(T.vt, VT.element, I32, fn.get(record)))
    // Primitive classes are numbered 0 to 7 in this order.
    for (const [number, kind] of 'ZBCSIJFD'.split('').entries()) {
      const stored = kind === 'Z' ? 'B' : kind === 'C' ? 'S' : kind
      fn.if(fn.op(Op.i32Eq, fn.get(element), fn.i32(number)))
      tooLarge(fn, s, MAX_BYTES / (ARRAYS[kind]?.scale as number))
      fn.return(call(fn, s, `new${stored}`, fn.get(0), fn.get(1)))
      fn.end()
    }
    tooLarge(fn, s, MAX_BYTES / 8)
    fn.return(call(fn, s, 'newL', fn.get(0), fn.get(1)))
  },
}
/** The same for compiled code, which can be suspended: the event loop turns first when that would make room. */
const allocateArray: SupportFunction = {
  name: 'allocateArray',
  params: [I32, I32],
  results: [OBJ],
  body: (fn, _gc, s) => {
    fn.if(fn.load(Op.i32Load, fn.i32(0), PRESSURE_ADDRESS), 'unlikely')
    fn.effect(call(fn, s, 'poll'))
    fn.end()
    fn.return(call(fn, s, 'newArray', fn.get(0), fn.get(1)))
  },
}
function tooLarge(fn: FunctionBuilder, s: Support, limit: number): void {
  fn.if(fn.op(Op.i32GtS, fn.get(1), fn.i32(limit)), 'unlikely')
  fn.effect(call(fn, s, 'outOfMemory', fn.get(1)))
  fn.end()
}

/** Moves bytes between a byte[] or char[] and the shared memory: array, index, address, count. */
function transfer(name: string, kind: 'B' | 'S', toMemory: boolean): SupportFunction {
  const a = ARRAYS[kind] as (typeof ARRAYS)[string]
  const shift = kind === 'B' ? 0 : 1
  const [load, store] = kind === 'B' ? [Op.i32Load8U, Op.i32Store8] : [Op.i32Load16U, Op.i32Store16]
  return {
    name,
    params: [OBJ, I32, I32, I32],
    results: [],
    body: (fn, gc) => {
      const from = fn.let(elements(gc, kind, fn.get(0)))
      const i = fn.let(fn.i32(0))
      const [head, body, end] = [fn.block(), fn.block(), fn.block()]
      fn.jump(head)
      fn.at(head)
      fn.branch(fn.op(Op.i32LtS, fn.get(i), fn.get(3)), body, end)
      fn.at(body)
      const address = fn.op(Op.i32Add, fn.get(2), fn.op(Op.i32Shl, fn.get(i), fn.i32(shift)))
      const index = fn.op(Op.i32Add, fn.get(1), fn.get(i))
      if (toMemory) fn.store(store, address, gc.arrayGetU(a.elements, fn.get(from), index))
      else gc.arraySet(a.elements, fn.get(from), index, fn.load(load, address))
      fn.set(i, fn.op(Op.i32Add, fn.get(i), fn.i32(1)))
      fn.jump(head)
      fn.at(end)
      fn.return()
    },
  }
}

/** System.arraycopy (its API’s order of checks): source, position, destination, position, count. */
const arraycopy: SupportFunction = {
  name: 'arraycopy',
  params: [OBJ, I32, OBJ, I32, I32],
  results: [],
  body: (fn, gc, s) => {
    fn.if(fn.op(Op.i32Or, gc.refIsNull(fn.get(0)), gc.refIsNull(fn.get(2))))
    fn.effect(call(fn, s, 'npe'))
    fn.end()
    const kind = fn.let(call(fn, s, 'arrayKind', fn.get(0)))
    const bothArrays = fn.op(
      Op.i32And,
      fn.op(Op.i32GeS, fn.get(kind), fn.i32(0)),
      gc.refTest(ref(T.array, false), fn.get(2)),
    )
    fn.if(fn.op(Op.i32Eqz, bothArrays))
    fn.effect(call(fn, s, 'copyMismatch', fn.get(0), fn.get(2)))
    fn.end()
    const record = (i: number): Node => gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(i))
    const differs = fn.op(Op.i32Ne, fn.get(kind), call(fn, s, 'arrayKind', fn.get(2)))
    const otherClass = fn.op(
      Op.i32And,
      fn.op(Op.i32Ne, fn.get(kind), fn.i32(KINDS.length - 1)),
      fn.op(Op.i32Ne, gc.structGet(T.vt, VT.element, I32, record(0)), gc.structGet(T.vt, VT.element, I32, record(2))),
    )
    fn.if(fn.op(Op.i32Or, differs, otherClass))
    fn.effect(call(fn, s, 'copyMismatch', fn.get(0), fn.get(2)))
    fn.end()
    const length = (i: number): Node => call(fn, s, 'arrayLength', fn.get(i))
    const negative = fn.op(Op.i32LtS, fn.op(Op.i32Or, fn.op(Op.i32Or, fn.get(1), fn.get(3)), fn.get(4)), fn.i32(0))
    const past = (array: number, at: number): Node =>
      fn.op(Op.i32GtU, fn.op(Op.i32Add, fn.get(at), fn.get(4)), length(array))
    fn.if(fn.op(Op.i32Or, negative, fn.op(Op.i32Or, past(0, 1), past(2, 3))))
    fn.effect(call(fn, s, 'copyFailure', fn.get(0), fn.get(1), fn.get(2), fn.get(3), fn.get(4)))
    fn.end()
    for (const [number, letter] of KINDS.entries()) {
      fn.if(fn.op(Op.i32Eq, fn.get(kind), fn.i32(number)))
      if (letter === 'L') checkedCopy(fn, gc, s)
      const a = ARRAYS[letter] as (typeof ARRAYS)[string]
      gc.arrayCopy(
        a.elements,
        elements(gc, letter, fn.get(2)),
        fn.get(3),
        elements(gc, letter, fn.get(0)),
        fn.get(1),
        fn.get(4),
      )
      fn.return()
      fn.end()
    }
    fn.return()
  },
}

/** References are copied one by one, each checked, unless every element must fit. */
function checkedCopy(fn: FunctionBuilder, gc: Gc, s: Support): void {
  const element = (i: number): Node =>
    gc.structGet(T.vt, VT.element, I32, gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(i)))
  const fits = fn.call(s.functions.isSubtype as FunctionRef, [element(0), element(2)])
  const same = fn.op(Op.i32Eq, element(0), element(2))
  fn.if(same)
  fn.else()
  fn.if(fn.op(Op.i32Eqz, fits))
  fn.effect(call(fn, s, 'copyChecked', fn.get(0), fn.get(1), fn.get(2), fn.get(3), fn.get(4)))
  fn.return()
  fn.end()
  fn.end()
}

const copyChecked: SupportFunction = {
  name: 'copyChecked',
  params: [OBJ, I32, OBJ, I32, I32],
  results: [],
  body: (fn, gc, s) => {
    const to = fn.let(
      gc.structGet(T.vt, VT.element, I32, gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(2))),
    )
    const i = fn.let(fn.i32(0))
    const value = fn.local(OBJ)
    const [head, body, end] = [fn.block(), fn.block(), fn.block()]
    fn.jump(head)
    fn.at(head)
    fn.branch(fn.op(Op.i32LtS, fn.get(i), fn.get(4)), body, end)
    fn.at(body)
    fn.set(value, call(fn, s, 'getL', fn.get(0), fn.op(Op.i32Add, fn.get(1), fn.get(i))))
    const bad = fn.op(
      Op.i32And,
      fn.op(Op.i32Eqz, gc.refIsNull(fn.get(value))),
      fn.op(Op.i32Eqz, call(fn, s, 'instanceOf', fn.get(value), fn.get(to))),
    )
    fn.if(bad)
    fn.effect(call(fn, s, 'arrayStore', fn.get(value)))
    fn.end()
    fn.effect(call(fn, s, 'setL', fn.get(2), fn.op(Op.i32Add, fn.get(3), fn.get(i)), fn.get(value)))
    fn.set(i, fn.op(Op.i32Add, fn.get(i), fn.i32(1)))
    fn.jump(head)
    fn.at(end)
    fn.return()
  },
}

/** Says which index was wrong, as arraycopy’s message has it. */
const copyFailure: SupportFunction = {
  name: 'copyFailure',
  params: [OBJ, I32, OBJ, I32, I32],
  results: [],
  body: (fn, _gc, s) => {
    for (const [i, at] of [1, 3, 4].entries()) {
      fn.if(fn.op(Op.i32LtS, fn.get(at), fn.i32(0)))
      fn.effect(call(fn, s, 'copyBounds', fn.get(i === 1 ? 2 : 0), fn.i32(i), fn.get(at)))
      fn.end()
    }
    for (const [i, array] of [0, 2].entries()) {
      const end = fn.let(fn.op(Op.i32Add, fn.get(array + 1), fn.get(4)))
      fn.if(fn.op(Op.i32GtU, fn.get(end), call(fn, s, 'arrayLength', fn.get(array))))
      fn.effect(call(fn, s, 'copyBounds', fn.get(array), fn.i32(3 + i), fn.get(end)))
      fn.end()
    }
    fn.return()
  },
}

/** A copy of an array with the same class. */
const cloneArray: SupportFunction = {
  name: 'cloneArray',
  params: [OBJ],
  results: [OBJ],
  body: (fn, gc, s) => {
    const length = fn.let(call(fn, s, 'arrayLength', fn.get(0)))
    const record = gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(0))
    const copy = fn.let(call(fn, s, 'newArray', gc.structGet(T.vt, VT.id, I32, record), fn.get(length)))
    fn.effect(call(fn, s, 'arraycopy', fn.get(0), fn.i32(0), fn.get(copy), fn.i32(0), fn.get(length)))
    fn.return(fn.get(copy))
  },
}

/** Object.getClass; the receiver is not null. */
const getMirror: SupportFunction = {
  name: 'getMirror',
  params: [OBJ],
  results: [OBJ],
  body: (fn, gc) => {
    const record = gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(0))
    fn.return(gc.refCastNull(OBJ, gc.structGet(T.vt, VT.mirror, EQREF, record)))
  },
}

/** Arrays. */
export const arraySupport: readonly SupportFunction[] = [
  ...KINDS.flatMap(accessors),
  arrayKind,
  arrayLength,
  newArray,
  allocateArray,
  transfer('bytesToMemory', 'B', true),
  transfer('bytesFromMemory', 'B', false),
  transfer('charsToMemory', 'S', true),
  transfer('charsFromMemory', 'S', false),
  arraycopy,
  copyChecked,
  copyFailure,
  cloneArray,
  getMirror,
]
