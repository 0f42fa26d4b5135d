import type { DoppelError } from '@doppel/base'
import type { Ref } from '../runtime/classes.ts'
import type { JavaObject } from './objects.ts'

/**
 * What passes between TypeScript and Java: int, short, byte, float and double are numbers, long is a bigint, char a string
 * of one unit, boolean, String and null are themselves, byte[] is a Uint8Array; wrappers arrive as what they wrap, any
 * other object as a `JavaObject`. A function is taken for an interface with one abstract method, an array of values for a
 * Java array.
 */
export type JavaValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | JavaObject
  | JavaFunction
  | readonly JavaValue[]

/** A function of TypeScript’s that Java calls; a promise that it returns is waited for by the calling thread alone. */
export type JavaFunction = (...args: never[]) => JavaValue | Promise<JavaValue> | void | Promise<void>

/** Methods whose types nobody has written down. */
export interface Untyped {
  [name: string]: (...args: JavaValue[]) => JavaValue
}
/** What a method takes, as the interface that describes it has it. */
export type Arguments<F> = F extends (...args: infer A) => unknown ? A : never
/** What a method gives, once it has ended. */
export type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

/** An exception of Java’s that nobody there has caught. */
export class JavaException extends Error {
  /** The throwable’s class, e.g. `java.util.NoSuchElementException`. */
  readonly className: string
  /** Its stack, innermost frame first, as Java prints frames. */
  readonly frames: readonly string[]
  readonly throwable: JavaObject

  /** `text` is what its toString gives. */
  constructor(className: string, text: string, frames: readonly string[], throwable: JavaObject) {
    super(text)
    this.name = 'JavaException'
    this.className = className
    this.frames = frames
    this.throwable = throwable
  }
}

/** What a call came to. */
export type Outcome<R> = { readonly value: R } | { readonly thrown: Ref } | { readonly failed: DoppelError }
