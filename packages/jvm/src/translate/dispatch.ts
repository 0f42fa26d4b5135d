import { I32, type Local, type Node, Op, ref } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import type { Frame } from './frame.ts'
import { calleeOf, callMember } from './inline.ts'
import type { Callee } from './cluster.ts'
import type { Entry } from './operand-stack.ts'
import { T, TABLE, valueTypeOf, VT } from './types.ts'

/** Guesses tested before a call goes through the table. */
const MAX_GUESSES = 3

/** A call of a method by its place in the code table. */
export function indirect(f: Frame, signature: string, place: Node, args: readonly Node[]): Node {
  const { index, type } = f.context.types.signature(signature)
  f.beforeOutside()
  return f.fn.callIndirect(index, type, TABLE.code, place, args)
}

/** A call of the method that the receiver’s class selects (JVMS §5.4.6); the receiver is not null. */
export function selectedCall(f: Frame, method: Method, receiver: Local, rest: readonly Entry[]): Node {
  const { fn, stack, context } = f
  const byClass = method.virtualIndex < 0
  const { method: caller } = f.source
  if (caller === undefined) {
    const args = rest.map(e => stack.use(e))
    return indirect(f, method.signature, place(f, method, receiver), [fn.get(receiver), ...args])
  }
  if (context.hot) {
    const guesses = guess(f, caller, method, byClass)
    if (guesses.length > 0) return guardedCall(f, method, receiver, rest, guesses)
    const args = rest.map(e => stack.use(e))
    return indirect(f, method.signature, place(f, method, receiver), [fn.get(receiver), ...args])
  }
  // What is called here is noted, for the day when the caller is hot.
  const note = f.vm.tiers.profile(caller, f.at)
  f.context.recording?.calls.push(f.at, note)
  if (byClass) fn.store(Op.i32Store, fn.i32(0), classOf(f, receiver), note)
  const target = stack.keep(place(f, method, receiver))
  if (!byClass) fn.store(Op.i32Store, fn.i32(0), fn.get(target), note)
  const args = rest.map(e => stack.use(e))
  return indirect(f, method.signature, fn.get(target), [fn.get(receiver), ...args])
}

function classOf(f: Frame, receiver: Local): Node {
  return f.gc.structGet(T.vt, VT.id, I32, f.recordOf(f.fn.get(receiver)))
}
function place(f: Frame, method: Method, receiver: Local): Node {
  return method.virtualIndex < 0 ? interfaceTarget(f, receiver, method) : virtualTarget(f, receiver, method)
}
function virtualTarget(f: Frame, receiver: Local, method: Method): Node {
  const methods = f.gc.structGet(T.vt, VT.methods, ref(T.ints, false), f.recordOf(f.fn.get(receiver)))
  return f.gc.arrayGet(T.ints, I32, methods, f.fn.i32(method.virtualIndex))
}
/** The record’s cache answers for the interface method’s number, or the support module does. */
function interfaceTarget(f: Frame, receiver: Local, method: Method): Node {
  const { fn, gc } = f
  const cache = f.stack.keep(gc.structGet(T.vt, VT.cache, ref(T.ints, false), f.recordOf(fn.get(receiver))))
  const at = (method.id & 31) * 2
  const target = f.stack.temp(I32)
  fn.if(fn.op(Op.i32Eq, gc.arrayGet(T.ints, I32, fn.get(cache), fn.i32(at)), fn.i32(method.id)), 'likely')
  fn.set(target, gc.arrayGet(T.ints, I32, fn.get(cache), fn.i32(at + 1)))
  fn.else()
  fn.set(target, f.support('lookup', fn.get(receiver), fn.i32(method.id)))
  fn.end()
  return fn.get(target)
}

/** One guess of what a call will reach: `callee`, for receivers of a class or for those that select a method. */
interface Guess {
  readonly by: 'class' | 'method'
  /** The class or the method, by its number. */
  readonly key: number
  readonly callee: Callee
}

/** What the call reached last, and what the hierarchy of loaded classes leaves: as far as it is in the module. */
function guess(f: Frame, caller: Method, method: Method, byClass: boolean): readonly Guess[] {
  const { tiers, classes } = f.vm
  const possible = tiers.possible(method, MAX_GUESSES) ?? []
  const found: Guess[] = []

  const add = (selected: Method | undefined, candidates: readonly JavaClass[]): void => {
    if (!selected) return
    // A class never changes, which the engine knows: in a loop it is compared once. Methods are read each time.
    const [only, ...more] = candidates
    const by = only && more.length === 0 ? 'class' : 'method'
    const key = by === 'class' ? (only as JavaClass).id : selected.id
    if (found.length >= MAX_GUESSES || found.some(g => g.by === by && g.key === key)) return
    const callee = calleeOf(f, selected)
    if (callee) found.push({ by, key, callee })
  }
  const seen = tiers.seen(caller, f.at)
  const cls = byClass ? classes.byId(seen) : undefined
  if (byClass) add(cls && tiers.selectedBy(seen, method), cls ? [cls] : [])
  else {
    const selected = classes.methodById(seen)
    add(selected, possible.find(p => p.selected === selected)?.classes ?? [])
  }
  for (const p of possible) add(p.selected, p.classes)
  return found
}

/** Tests for each guess and calls it directly, or goes through the table. */
function guardedCall(
  f: Frame,
  method: Method,
  receiver: Local,
  rest: readonly Entry[],
  guesses: readonly Guess[],
): Node {
  const { fn, stack } = f
  const { resultKind } = method.descriptor
  const result = resultKind === 'V' ? undefined : stack.temp(valueTypeOf(resultKind as Kind))
  const take = (value: Node): void => (result === undefined ? fn.effect(value) : fn.set(result, value))
  const held = rest.map(e => stack.hold(e))
  const args = (): Node[] => [fn.get(receiver), ...held.map(local => fn.get(local))]
  const cls = guesses.some(g => g.by === 'class') ? stack.keep(classOf(f, receiver)) : undefined
  let target: Local | undefined
  const done = fn.block()
  for (const { by, key, callee } of guesses) {
    const [hit, miss] = [fn.block(), fn.block()]
    if (by === 'method') target ??= stack.keep(virtualTarget(f, receiver, method))
    fn.branch(fn.op(Op.i32Eq, fn.get((by === 'class' ? cls : target) as Local), fn.i32(key)), hit, miss, 'likely')
    f.goOn(hit)
    take(callMember(f, callee, args()))
    fn.jump(done)
    f.goOn(miss)
  }
  take(indirect(f, method.signature, target === undefined ? place(f, method, receiver) : fn.get(target), args()))
  fn.jump(done)
  f.goOn(done)
  return result === undefined ? fn.i32(0) : fn.get(result)
}
