import type { FunctionBuilder, FunctionRef, Gc, ModuleBuilder, ValueType } from '@doppel/wasm'
import type { ModuleTypes } from '../translate/types.ts'

/** What the parts of the support module build with. */
export interface Support {
  readonly module: ModuleBuilder
  readonly types: ModuleTypes
  readonly tag: number
  /** Functions imported from the host side and functions defined so far, by name. */
  readonly functions: Record<string, FunctionRef>
  /** Globals: the current thread’s number, the identity-hash state. */
  readonly thread: number
  readonly hashState: number
}

/** A function of the support module: name, signature, and its body; bodies may call any of the others. */
export interface SupportFunction {
  readonly name: string
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly body: (fn: FunctionBuilder, gc: Gc, s: Support) => void
}

/** What `raiseTask` makes, by number. */
export const RAISE = {
  nullPointer: 0,
  arithmetic: 1,
  arrayIndex: 2,
  negativeSize: 3,
  classCast: 4,
  arrayStore: 5,
  stackOverflow: 6,
  illegalMonitor: 7,
  outOfMemory: 8,
  copyBounds: 9,
} as const
