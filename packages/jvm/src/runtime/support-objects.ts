import { EQREF, type FunctionRef, I32, type Node, Op, ref } from '@doppel/wasm'
import { CACHE_ENTRIES, DISPLAY, OBJ, OBJECT, T, TABLE, VT } from '../translate/types.ts'
import type { SupportFunction } from './support.ts'

/** Lock words: 0 free; else the owner’s thread number above a count; negative when the host keeps the monitor. */
const LOCK_COUNT_BITS = 12
const LOCK_COUNT_MASK: number = (1 << LOCK_COUNT_BITS) - 1

/** Probes the record’s cache for `key` (local 1); on a miss asks the host and remembers. `negate` for subtype keys. */
function cached(
  name: string,
  host: string,
  key: (fn: Parameters<SupportFunction['body']>[0]) => Node,
): SupportFunction {
  return {
    name,
    params: [OBJ, I32],
    results: [I32],
    body: (fn, gc, s) => {
      const record = fn.let(gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(0)))
      const cache = fn.let(gc.structGet(T.vt, VT.cache, ref(T.ints, false), fn.get(record)))
      const at = fn.let(fn.op(Op.i32Shl, fn.op(Op.i32And, fn.get(1), fn.i32(CACHE_ENTRIES - 1)), fn.i32(1)))
      const one = (): Node => fn.op(Op.i32Add, fn.get(at), fn.i32(1))
      fn.if(fn.op(Op.i32Eq, gc.arrayGet(T.ints, I32, fn.get(cache), fn.get(at)), key(fn)))
      fn.return(gc.arrayGet(T.ints, I32, fn.get(cache), one()))
      fn.end()
      const id = gc.structGet(T.vt, VT.id, I32, fn.get(record))
      const found = fn.let(fn.call(s.functions[host] as FunctionRef, [id, fn.get(1)]))
      fn.if(fn.op(Op.i32GeS, fn.get(found), fn.i32(0)))
      gc.arraySet(T.ints, fn.get(cache), fn.get(at), key(fn))
      gc.arraySet(T.ints, fn.get(cache), one(), fn.get(found))
      fn.end()
      fn.return(fn.get(found))
    },
  }
}

const isInstance = cached('isInstance', 'isSubtype', fn => fn.op(Op.i32Xor, fn.get(1), fn.i32(-1)))
const findCached = cached('findCached', 'findMethod', fn => fn.get(1))

const instanceOf: SupportFunction = {
  name: 'instanceOf',
  params: [OBJ, I32],
  results: [I32],
  body: (fn, gc, s) => {
    fn.if(gc.refIsNull(fn.get(0)))
    fn.return(fn.i32(0))
    fn.end()
    const record = gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(0))
    fn.if(fn.op(Op.i32Eq, gc.structGet(T.vt, VT.id, I32, record), fn.get(1)))
    fn.return(fn.i32(1))
    fn.end()
    fn.return(fn.call(s.functions.isInstance as FunctionRef, [fn.get(0), fn.get(1)]))
  },
}

/** The code-table index of the method that interface method `key` selects in the receiver’s class. */
const lookup: SupportFunction = {
  name: 'lookup',
  params: [OBJ, I32],
  results: [I32],
  body: (fn, _gc, s) => {
    const found = fn.let(fn.call(s.functions.findCached as FunctionRef, [fn.get(0), fn.get(1)]))
    fn.if(fn.op(Op.i32LtS, fn.get(found), fn.i32(0)))
    fn.effect(fn.call(s.functions.missing as FunctionRef, [fn.get(0), fn.get(1)]))
    fn.end()
    fn.return(fn.get(found))
  },
}

const monitorEnter: SupportFunction = {
  name: 'monitorEnter',
  params: [OBJ],
  results: [],
  body: (fn, gc, s) => {
    fn.if(gc.refIsNull(fn.get(0)))
    fn.effect(fn.call(s.functions.npe as FunctionRef, []))
    fn.end()
    const lock = fn.let(gc.structGet(T.object, OBJECT.lock, I32, fn.get(0)))
    const owner = (): Node => fn.op(Op.i32Shl, fn.globalGet(s.thread, I32), fn.i32(LOCK_COUNT_BITS))
    fn.if(fn.op(Op.i32Eqz, fn.get(lock)))
    gc.structSet(T.object, OBJECT.lock, fn.get(0), fn.op(Op.i32Or, owner(), fn.i32(1)))
    fn.return()
    fn.end()
    const mine = fn.op(Op.i32Eq, fn.op(Op.i32And, fn.get(lock), fn.i32(~LOCK_COUNT_MASK)), owner())
    const room = fn.op(Op.i32LtS, fn.op(Op.i32And, fn.get(lock), fn.i32(LOCK_COUNT_MASK)), fn.i32(LOCK_COUNT_MASK))
    fn.if(fn.op(Op.i32And, mine, room))
    gc.structSet(T.object, OBJECT.lock, fn.get(0), fn.op(Op.i32Add, fn.get(lock), fn.i32(1)))
    fn.return()
    fn.end()
    const task = fn.call(s.functions.monitorTask as FunctionRef, [fn.get(0), fn.i32(1)])
    fn.effect(fn.call(s.functions.runTask as FunctionRef, [task]))
    fn.return()
  },
}

const monitorExit: SupportFunction = {
  name: 'monitorExit',
  params: [OBJ],
  results: [],
  body: (fn, gc, s) => {
    fn.if(gc.refIsNull(fn.get(0)))
    fn.effect(fn.call(s.functions.npe as FunctionRef, []))
    fn.end()
    const lock = fn.let(gc.structGet(T.object, OBJECT.lock, I32, fn.get(0)))
    const owner = fn.op(Op.i32Shl, fn.globalGet(s.thread, I32), fn.i32(LOCK_COUNT_BITS))
    fn.if(fn.op(Op.i32Eq, fn.op(Op.i32And, fn.get(lock), fn.i32(~LOCK_COUNT_MASK)), owner))
    const left = fn.let(fn.op(Op.i32Sub, fn.get(lock), fn.i32(1)))
    const last = fn.op(Op.i32Eqz, fn.op(Op.i32And, fn.get(left), fn.i32(LOCK_COUNT_MASK)))
    gc.structSet(T.object, OBJECT.lock, fn.get(0), fn.select(last, fn.i32(0), fn.get(left)))
    fn.return()
    fn.end()
    fn.effect(fn.call(s.functions.monitorTask as FunctionRef, [fn.get(0), fn.i32(0)]))
    fn.return()
  },
}

/** Object.hashCode: kept in the header; the generator is xorshift32, never 0. */
const identityHash: SupportFunction = {
  name: 'identityHash',
  params: [OBJ],
  results: [I32],
  body: (fn, gc, s) => {
    fn.if(gc.refIsNull(fn.get(0)))
    fn.return(fn.i32(0))
    fn.end()
    const known = fn.let(gc.structGet(T.object, OBJECT.hash, I32, fn.get(0)))
    fn.if(fn.get(known))
    fn.return(fn.get(known))
    fn.end()
    const x = fn.let(fn.globalGet(s.hashState, I32))
    for (const [op, by] of [
      [Op.i32Shl, 13],
      [Op.i32ShrU, 17],
      [Op.i32Shl, 5],
    ] as const) {
      fn.set(x, fn.op(Op.i32Xor, fn.get(x), fn.op(op, fn.get(x), fn.i32(by))))
    }
    fn.globalSet(s.hashState, fn.get(x))
    fn.set(known, fn.op(Op.i32Or, fn.op(Op.i32ShrU, fn.get(x), fn.i32(1)), fn.i32(1)))
    gc.structSet(T.object, OBJECT.hash, fn.get(0), fn.get(known))
    fn.return(fn.get(known))
  },
}

/** Makes the record of class 0: parameters are its number, its display, how many methods, its element class or -1. */
const newRecord: SupportFunction = {
  name: 'newRecord',
  params: Array.from({ length: DISPLAY + 3 }, () => I32),
  results: [],
  body: (fn, gc) => {
    const ints = ref(T.ints, false)
    const fields = [
      ...Array.from({ length: DISPLAY + 1 }, (_, i) => fn.get(i)),
      gc.arrayNewDefault(T.ints, ints, fn.get(DISPLAY + 1)),
      gc.arrayNewDefault(T.ints, ints, fn.i32(CACHE_ENTRIES * 2)),
      gc.refNull(EQREF),
      fn.get(DISPLAY + 2),
    ]
    gc.tableSet(TABLE.records, fn.get(0), gc.structNew(T.vt, ref(T.vt, false), fields))
    fn.return()
  },
}

const setMethod: SupportFunction = {
  name: 'setMethod',
  params: [I32, I32, I32],
  results: [],
  body: (fn, gc) => {
    const record = gc.tableGet(TABLE.records, ref(T.vt), fn.get(0))
    gc.arraySet(T.ints, gc.structGet(T.vt, VT.methods, ref(T.ints, false), record), fn.get(1), fn.get(2))
    fn.return()
  },
}

const setMirror: SupportFunction = {
  name: 'setMirror',
  params: [I32, OBJ],
  results: [],
  body: (fn, gc) => {
    gc.structSet(T.vt, VT.mirror, gc.tableGet(TABLE.records, ref(T.vt), fn.get(0)), fn.get(1))
    fn.return()
  },
}

const classOf: SupportFunction = {
  name: 'classOf',
  params: [OBJ],
  results: [I32],
  body: (fn, gc) => {
    fn.return(gc.structGet(T.vt, VT.id, I32, gc.structGet(T.object, OBJECT.vt, ref(T.vt, false), fn.get(0))))
  },
}

const getLock: SupportFunction = {
  name: 'getLock',
  params: [OBJ],
  results: [I32],
  body: (fn, gc) => fn.return(gc.structGet(T.object, OBJECT.lock, I32, fn.get(0))),
}
const setLock: SupportFunction = {
  name: 'setLock',
  params: [OBJ, I32],
  results: [],
  body: (fn, gc) => {
    gc.structSet(T.object, OBJECT.lock, fn.get(0), fn.get(1))
    fn.return()
  },
}
/** Grows the tables of references and records to at least so many entries. */
const growTables: SupportFunction = {
  name: 'growTables',
  params: [I32, I32],
  results: [],
  body: (fn, gc) => {
    fn.effect(gc.tableGrow(TABLE.refs, gc.refNull(OBJ), fn.get(0)))
    fn.effect(gc.tableGrow(TABLE.records, gc.refNull(ref(T.vt)), fn.get(1)))
    fn.return()
  },
}
const same: SupportFunction = {
  name: 'same',
  params: [OBJ, OBJ],
  results: [I32],
  body: (fn, gc) => fn.return(gc.refEq(fn.get(0), fn.get(1))),
}

/** Objects, classes, monitors. */
export const objectSupport: readonly SupportFunction[] = [
  isInstance,
  findCached,
  instanceOf,
  lookup,
  monitorEnter,
  monitorExit,
  identityHash,
  newRecord,
  setMethod,
  setMirror,
  classOf,
  getLock,
  setLock,
  growTables,
  same,
]
