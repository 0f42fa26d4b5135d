import { readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import { instructionLength } from '../opcodes.ts'
import type { Method } from '../runtime/classes.ts'
import type { Signature } from './types.ts'

/** One of Java’s variables while it holds values of one kind. */
export interface Variable {
  readonly index: number
  readonly kind: Kind
}

/** A place in a method where code for the rest of it can be entered anew: the start of a loop, the stack empty. */
export interface LoopEntry {
  readonly method: Method
  /** Offset of the loop’s first instruction. */
  readonly at: number
  /** What the code takes as parameters. */
  readonly variables: readonly Variable[]
  readonly signature: Signature
}

/** Methods with more variables than this are not entered at loops: the arguments would cost too much code. */
const MAX_VARIABLES = 48
const KINDS = 'IJFDL'

/** The entry at a loop; undefined when the method has too many variables. */
export function loopEntry(method: Method, at: number): LoopEntry | undefined {
  const variables = variablesOf(method)
  const [, result = 'V'] = method.signature.split(')')
  return variables && { method, at, variables, signature: `${variables.map(v => v.kind).join('')})${result}` }
}

/** The variables of a method, its parameters first; undefined when there are too many. */
export function variablesOf(method: Method): readonly Variable[] | undefined {
  const found = new Map<number, Variable>()
  const add = (index: number, kind: string): void => {
    found.set(index * 8 + KINDS.indexOf(kind), { index, kind: kind as Kind })
  }
  let slot = 0
  for (const kind of method.signature.split(')')[0] as string) {
    add(slot, kind)
    slot += kind === 'J' || kind === 'D' ? 2 : 1
  }
  const code = method.code?.bytes ?? new Uint8Array(0)
  for (let at = 0; at < code.length; at += instructionLength(code, at)) {
    const op = code[at] as number
    const wide = op === 0xc4
    const inner = wide ? (code[at + 1] as number) : op
    const operand = wide ? readU2(code, at + 2) : (code[at + 1] as number)
    if (inner >= 0x15 && inner <= 0x19) add(operand, KINDS[inner - 0x15] as string)
    else if (inner >= 0x1a && inner <= 0x2d) add((inner - 0x1a) & 3, KINDS[(inner - 0x1a) >> 2] as string)
    else if (inner >= 0x36 && inner <= 0x3a) add(operand, KINDS[inner - 0x36] as string)
    else if (inner >= 0x3b && inner <= 0x4e) add((inner - 0x3b) & 3, KINDS[(inner - 0x3b) >> 2] as string)
    else if (inner === 0x84) add(operand, 'I')
  }
  return found.size > MAX_VARIABLES ? undefined : [...found.values()]
}
