import type { Program } from '../program/program.ts'
import type { Diagnostic } from './diagnostics.ts'
import { checkPascal, type FrontOptions } from './front.ts'
import { generate } from './generate/generate.ts'

/** How a program is compiled. */
export interface CompileOptions extends FrontOptions {
  /** Run-time checks of ranges, indexes, pointers, cases, variants, overflow and undefined variables; default true. */
  readonly checks?: boolean
}

/** What compiling gave. */
export interface CompileResult {
  /** Undefined where there are errors. */
  readonly program: Program | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** Compiles Pascal to p-code. Never throws for what the text holds. */
export function compilePascal(text: string, options: CompileOptions = {}): CompileResult {
  const { program, diagnostics, sources } = checkPascal(text, options)
  if (program === undefined) return { program: undefined, diagnostics }
  const checks = options.checks ?? true
  return {
    program: generate(program, sources, {
      checks,
      undefined: checks,
      ioResult: program.asksIoResult,
      marks: program.marksHeap,
      disposed: program.disposed,
    }),
    diagnostics,
  }
}
