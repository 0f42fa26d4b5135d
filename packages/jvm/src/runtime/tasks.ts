import { ModuleBuilder, type FunctionBuilder, type Node, EXTERNREF } from '@doppel/wasm'
import type { Kind } from '../class-file/descriptor.ts'
import { importShared, ModuleTypes, type Signature, valueTypeOf, sharedArena } from '../translate/types.ts'
import type { Method, Ref, Value } from './classes.ts'
import { STEP } from './support-tasks.ts'
import type { Vm } from './vm.ts'

/** An exception of the guest on its way through host code. */
export class Thrown extends Error {
  readonly object: Ref
  constructor(object: Ref) {
    super('a Java exception')
    this.object = object
  }
}

/** What host-side work asks for: a call of Java, or to wait. */
export type Request =
  | { readonly call: Method; readonly args: readonly Value[] }
  | { readonly until: PromiseLike<unknown> }
/**
 * Host-side work that may call Java and wait: the whole of the machine that is not compiled code is written so. Answers
 * differ by request, which a generator’s type cannot say; `invoke` and `wait` give them their types.
 */
export type Work<R> = Generator<Request, R, Value | undefined>

/** Calls a method (static, or the very method given) and returns what it returns. Throws `Thrown`. */
export function* invoke(method: Method, ...args: readonly Value[]): Work<Value> {
  return (yield { call: method, args }) as Value
}
/** Waits for a promise while other threads run. */
export function* wait(until: PromiseLike<unknown>): Work<void> {
  yield { until }
}

/** One piece of work being run by compiled code (`runTask` of the support module). */
export class Task {
  work: Work<unknown>
  args: readonly Value[] = []
  target: Method | undefined
  result: Value = 0
  exception: Ref = null
  until: PromiseLike<unknown> | undefined
  #answer: Value | undefined
  #thrown: Thrown | undefined

  constructor(work: Work<unknown>) {
    this.work = work
  }

  /** Runs to the next request; one of `STEP`. */
  step(vm: Vm): number {
    try {
      const thrown = this.#thrown
      this.#thrown = undefined
      const next = thrown ? this.work.throw(thrown) : this.work.next(this.#answer)
      this.#answer = undefined
      if (next.done) {
        this.result = next.value as Value
        return STEP.done
      }
      if ('call' in next.value) {
        this.target = next.value.call
        this.args = next.value.args
        return STEP.call
      }
      this.until = next.value.until
      return STEP.wait
    } catch (error) {
      this.exception = vm.throwableOf(error)
      return STEP.threw
    }
  }
  answer(value: Value): void {
    this.#answer = value
  }
  caught(exception: Ref): void {
    this.#thrown = new Thrown(exception)
  }
}

/**
 * Adapters from a task’s call to compiled code, one for each erased signature: they fetch the arguments, call through
 * the code table, and hand back the result.
 */
export class Adapters {
  readonly #vm: Vm
  readonly #places = new Map<Signature, number>()

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** Place of the adapter in the code table. */
  placeFor(signature: Signature): number {
    const known = this.#places.get(signature)
    if (known !== undefined) return known
    const place = this.#vm.codeTable.allocate(1)
    this.#build(signature, place)
    this.#places.set(signature, place)
    return place
  }

  #build(signature: Signature, place: number): void {
    const module = new ModuleBuilder()
    const types = new ModuleTypes(module)
    const kinds: Kind[] = ['I', 'J', 'F', 'D', 'L']
    const gets = kinds.map(kind =>
      module.importFunction('task', `arg${kind}`, {
        kind: 'func',
        params: [EXTERNREF, valueTypeOf('I')],
        results: [valueTypeOf(kind)],
      }),
    )
    const sets = kinds.map(kind =>
      module.importFunction('task', `result${kind}`, {
        kind: 'func',
        params: [EXTERNREF, valueTypeOf(kind)],
        results: [],
      }),
    )
    const target = module.importFunction('task', 'target', {
      kind: 'func',
      params: [EXTERNREF],
      results: [valueTypeOf('I')],
    })
    importShared(module)
    const f = module.declare('adapter', { kind: 'func', params: [EXTERNREF], results: [] })
    const fn: FunctionBuilder = module.build(f, sharedArena)
    const [params = '', result = 'V'] = signature.split(')')
    const args: Node[] = params
      .split('')
      .map((kind, i) => fn.call(gets[kinds.indexOf(kind as Kind)] as (typeof gets)[0], [fn.get(0), fn.i32(i)]))
    const { index, type } = types.signature(signature)
    const call = fn.callIndirect(index, type, 0, fn.call(target, [fn.get(0)]), args)
    fn.effect(
      result === 'V' ? call : fn.call(sets[kinds.indexOf(result as Kind)] as (typeof sets)[0], [fn.get(0), call]),
    )
    fn.return()
    module.finish(fn)
    module.elements(0, place, [f])
    this.#vm.instantiate(module)
  }

  /** The host functions that adapters import. */
  static imports(): Record<string, (task: Task, value: never) => unknown> {
    const arg = (task: Task, i: number): unknown => task.args[i]
    const result = (task: Task, value: Value): void => task.answer(value)
    return {
      ...Object.fromEntries('IJFDL'.split('').map(kind => [`arg${kind}`, arg])),
      ...Object.fromEntries('IJFDL'.split('').map(kind => [`result${kind}`, result])),
      target: (task: Task) => task.target?.id,
    } as Record<string, (task: Task, value: never) => unknown>
  }
}
