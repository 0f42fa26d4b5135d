import type { Method, Value } from '../runtime/classes.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'

/** A native method: host code, or work that may call Java and wait. The receiver, if any, is the first argument. */
export type Native =
  | ((vm: Vm, ...args: never[]) => Value | boolean | undefined | void)
  | ((vm: Vm, ...args: never[]) => Work<unknown>)

const table = new Map<string, Native>()

/** Declares native methods of one class: keys are names, with a descriptor where a name has several. */
export function natives(className: string, methods: Readonly<Record<string, Native>>): void {
  for (const [key, native] of Object.entries(methods)) table.set(`${className}.${key}`, native)
}

const nothing: Native = () => undefined

/** The host code of a native method; undefined when there is none. */
export function findNative(method: Method): Native | undefined {
  const name = `${method.owner.name}.${method.name}`
  if (method.name === 'registerNatives' || method.name === 'initIDs') return nothing
  return table.get(name + method.info.descriptor) ?? table.get(name)
}
