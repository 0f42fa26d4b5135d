import type { Encoding } from './encoding.ts'
import type { Isa } from './engine.ts'
import type { InstructionSet } from './insn.ts'
import { type AssemblyNames, deriveSyntax, type InstructionSyntax } from './syntax.ts'

/** Rewrites a convenient instruction as real ones; lines of assembly text, operands as they were written. */
export type PseudoInstruction = (operands: readonly string[]) => readonly string[]

/** An instruction set's assembly language, derived from its rows. */
export interface Assembly {
  readonly set: Pick<InstructionSet<never>, 'matching'>
  readonly names: AssemblyNames
  readonly byName: ReadonlyMap<string, InstructionSyntax>
  readonly pseudo: Readonly<Record<string, PseudoInstruction>>
  /** Register name → its file and number. */
  readonly registers: ReadonlyMap<string, { readonly file: string; readonly number: number }>
}

/** Derives the assembly language of `isa` from its rows, with names for registers and other numbers. */
export function assemblyOf<M>(
  isa: Isa<M>,
  names: AssemblyNames,
  pseudo: Readonly<Record<string, PseudoInstruction>>,
): Assembly {
  // Found out when first asked for: most programs that have an instruction set never read or write assembly.
  let byName: ReadonlyMap<string, InstructionSyntax> | undefined
  const registers = Object.entries(names.registers).flatMap(([file, list]) =>
    list.flatMap((name, number) => [
      [name, { file, number }] as const,
      [`${file}${number}`, { file, number }] as const,
    ]),
  )
  return {
    set: isa.set,
    names,
    get byName() {
      return (byName ??= new Map(deriveSyntax(isa, names).map(s => [s.name, s])))
    },
    pseudo,
    registers: new Map(registers),
  }
}

/** Bytes of an instruction. */
export function lengthOf(encoding: Encoding): 2 | 4 {
  return encoding.lengthBits === 16 ? 2 : 4
}
