import type { Handler } from '../class-file/code.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import type { LoopEntry } from './loops.ts'
import type { Signature } from './types.ts'

/** What is translated: a method’s code, or code made up for a call site. */
export interface MethodSource {
  /** The class whose constants the code names. */
  readonly cls: JavaClass
  /** Undefined for a call site. */
  readonly method: Method | undefined
  readonly code: Uint8Array
  readonly maxLocals: number
  readonly handlers: readonly Handler[]
  readonly signature: Signature
  /** The function’s name, by which stack traces find its marks: `m<id>` or, for a later copy, `m<id>.<number>`. */
  readonly name: string
  /** True for instance methods: variable 0 is a non-null object of `cls`. */
  readonly hasReceiver: boolean
  /** Where the object that a synchronized method locks comes from: the receiver, or a place in the references. */
  readonly lock?: 'receiver' | number | undefined
  /** Where the code begins, if not at its first instruction; its variables are the parameters. */
  readonly entry?: LoopEntry | undefined
}
