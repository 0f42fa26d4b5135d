import { functionText } from '@doppel/wasm'
import { layoutOf } from '../machine/layout.ts'
import { CODE_WORDS, Field, LINE_BITS, type Program } from '../program/program.ts'
import { instructionText } from '../text/program-writer.ts'
import { verifyProgram } from '../verify/verify.ts'
import { translateProgram } from './module.ts'

/** A routine as the p-machine has it, and as WebAssembly. */
export interface RoutineListing {
  readonly name: string
  readonly pcode: readonly { readonly line: number; readonly text: string }[]
  /** Its function's body in the text format; where it was left in the middle of a loop, it is entered again by another like it. */
  readonly wasm: string
}

/** Every routine of a program beside what it is translated to. Throws `pcode.*` for a program that is not in order. */
export function listProgram(program: Program): readonly RoutineListing[] {
  const { bodies, functionNames } = translateProgram(verifyProgram(program), layoutOf(program))
  return program.routines.map(({ name, code }, index) => ({
    name,
    pcode: Array.from({ length: code.length / CODE_WORDS }, (_, at) => ({
      line: (code[at * CODE_WORDS + Field.line] as number) & ((1 << LINE_BITS) - 1),
      text: instructionText(program, code, at * CODE_WORDS),
    })),
    wasm: functionText(bodies[index] as Uint8Array, functionNames),
  }))
}
