import { JavaProblem } from '../problem.ts'
import type { Method, Ref, Value } from '../runtime/classes.ts'
import { box } from '../runtime/boxes.ts'
import { wait, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { reflectedMethod } from '../natives/members.ts'
import { natives } from '../natives/table.ts'
import { CALLBACK_CLASS } from './callback-class.ts'
import { cost, fromJava, toJava } from './convert.ts'
import type { Owner } from './objects.ts'
import type { JavaFunction, JavaValue } from './values.ts'

interface Callback {
  readonly owner: Owner
  readonly find: (method: Method) => JavaFunction | undefined
}

/** Functions of TypeScript that Java objects stand for, by number. They live as long as the machine. */
export class Callbacks {
  readonly #all: Callback[] = []

  add(owner: Owner, find: Callback['find']): number {
    return this.#all.push({ owner, find }) - 1
  }
  at(id: number): Callback {
    return this.#all[id] as Callback
  }
}
/** A machine’s callbacks. */
export function callbacksOf(vm: Vm): Callbacks {
  const known = vm.state.get('callbacks') as Callbacks | undefined
  const callbacks = known ?? new Callbacks()
  if (!known) vm.state.set('callbacks', callbacks)
  return callbacks
}

natives(CALLBACK_CLASS, {
  *invoke(vm: Vm, self: Ref, proxy: Ref, reflected: Ref, args: Ref): Work<Ref> {
    const { owner, find } = callbacksOf(vm).at(vm.heap.get(self, 'id') as number)
    const method = reflectedMethod(vm, reflected)
    const fn = find(method)
    if (!fn) return yield* ofObject(vm, method, proxy, args)
    const given = args === null ? [] : vm.heap.items(args)
    const values = given.map(arg => fromJava(owner, arg, 'L')) as never[]
    return yield* asResult(vm, method, yield* called(fn, values))
  },
})

/** Calls the function, and waits when it gives a promise; what it throws becomes an exception of Java’s. */
function* called(fn: JavaFunction, values: never[]): Work<JavaValue> {
  let [value, failure]: [JavaValue, Error | undefined] = [undefined, undefined]
  const failed = (error: unknown): void => {
    failure = error instanceof Error ? error : new Error('a function threw what is no Error')
  }
  try {
    const given = fn(...values)
    if (given instanceof Promise) {
      yield* wait(
        given.then((made: JavaValue | void) => {
          value = made as JavaValue
        }, failed),
      )
    } else value = given as JavaValue
  } catch (error) {
    failed(error)
  }
  if (failure !== undefined) throw new JavaProblem('java/lang/RuntimeException', (failure as Error).message)
  return value
}

/** The function’s value as the method’s result, primitives wrapped as Proxy wants them. */
function* asResult(vm: Vm, method: Method, value: JavaValue): Work<Ref> {
  const { result } = method.descriptor
  if (result === 'V') return null
  const cls = result.length === 1 ? undefined : yield* vm.classes.loadDescriptor(result, method.owner.loader)
  if (cost(vm, value, result, cls) === undefined) {
    throw new JavaProblem('java/lang/ClassCastException', `a function's value is no ${result} for ${method.name}`)
  }
  const made: Value = yield* toJava(vm, value, result, cls, () => {
    throw new JavaProblem('java/lang/ClassCastException', 'a function may not give a function')
  })
  return cls ? (made as Ref) : yield* box(vm, result, made)
}

/** Object’s own methods, for objects that are functions; others are not there. */
function* ofObject(vm: Vm, method: Method, proxy: Ref, args: Ref): Work<Ref> {
  switch (method.name + method.info.descriptor) {
    case 'toString()Ljava/lang/String;':
      return vm.heap.string(`TypeScript@${vm.rt.identityHash(proxy).toString(16)}`)
    case 'hashCode()I':
      return yield* box(vm, 'I', vm.rt.identityHash(proxy))
    case 'equals(Ljava/lang/Object;)Z':
      return yield* box(vm, 'Z', vm.rt.same(proxy, vm.rt.getL(args, 0)))
    default:
      throw new JavaProblem('java/lang/UnsupportedOperationException', method.name)
  }
}
