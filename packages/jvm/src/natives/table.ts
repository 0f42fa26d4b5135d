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
/** Methods by which native libraries look up what they need; here there is nothing to look up. */
const INITIALIZERS: ReadonlySet<string> = new Set(['registerNatives', 'initIDs', 'initNative'])

/** The host code of a native method; undefined when there is none. */
export function findNative(method: Method): Native | undefined {
  const name = `${method.owner.name}.${method.name}`
  const found = table.get(name + method.info.descriptor) ?? table.get(name)
  return found ?? (INITIALIZERS.has(method.name) ? nothing : undefined)
}
