import { assert } from '@doppel/base'
import type { Node } from '@doppel/wasm'
import type { JavaClass } from '../runtime/classes.ts'
import { instructionLength } from '../opcodes.ts'
import type { Frame } from './frame.ts'
import type { Signature } from './types.ts'

/**
 * An instruction whose constant could not be resolved when its method was translated. It became a call through the code
 * table; the first call resolves the constant and puts code for exactly this instruction there.
 */
export interface Site {
  readonly cls: JavaClass
  /** The instruction’s bytes. */
  readonly instruction: Uint8Array
  readonly signature: Signature
  readonly place: number
}

/** The current instruction as such a call; instructions of one class that are equal share one place. */
export function siteFor(f: Frame, signature: Signature, code: Uint8Array): (args: readonly Node[]) => Node {
  assert(f.source.method !== undefined, `a linked call site of ${f.cls.name} is still unresolved`)
  const instruction = code.slice(f.at, f.at + instructionLength(code, f.at))
  const unique = instruction[0] === 0xba ? `@${f.source.method?.id}:${f.at}` : ''
  const { place, isNew } = f.vm.sites.place(f.cls, instruction, signature, unique)
  f.context.recording?.sites.push(place)
  if (isNew) f.context.newSites.push({ place, signature })
  const { index, type } = f.context.types.signature(signature)
  return args => f.fn.callIndirect(index, type, 0, f.fn.i32(place), args)
}
