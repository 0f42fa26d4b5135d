import { readFileSync } from 'node:fs'
import { DoppelError } from '@doppel/base'
import {
  type CompileOptions,
  compilePascal,
  type Diagnostic,
  DIALECTS,
  type Dialect,
  loadP4,
  loadP5,
  PROGRAM_TEXT_MARK,
  type Program,
  readProgramText,
  renderDiagnostic,
} from '@doppel/pcode'
import type { Invocation, Streams } from '../cli/command.ts'

/** The text of a program. Throws `pascal.file`. */
export function readSource(path: string): string {
  return readBytes(path).toString('utf8')
}
/** The bytes of a file. Throws `pascal.file`. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new DoppelError('pascal.file', `${path} cannot be read (${code})`, { path, code }, cause)
  }
}

/** How a program is compiled, by the flags of a command. Throws `cli.flag-value` for a dialect that is none. */
export function compileOptions(invocation: Invocation, path: string): CompileOptions {
  const dialect = invocation.value('dialect')
  if (dialect !== undefined && !(dialect in DIALECTS)) {
    const known = Object.keys(DIALECTS).join(', ')
    throw new DoppelError('cli.flag-value', `--dialect ${dialect}; expected one of ${known}`, { value: dialect })
  }
  return {
    file: path,
    checks: !invocation.has('unchecked'),
    ...(dialect === undefined ? {} : { dialect: dialect as Dialect['name'] }),
  }
}

/** Prints what is wrong with a program, and how much of it there is. */
export function printDiagnostics(streams: Streams, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) streams.stderr(`${renderDiagnostic(diagnostic)}\n`)
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  if (errors > 0) streams.stderr(`${errors} error${errors === 1 ? '' : 's'}\n`)
}

/**
 * A program of Pascal text, or of p-code (this machine's own text, or Pascal-P4's or P5's) where the file is called `.p4` or `.p5`;
 * undefined after what is wrong with it was printed. Throws `pcode.*` for p-code that is none.
 */
export function loadProgram(invocation: Invocation, path: string, text: string): Program | undefined {
  if (/\.p[45]$/i.test(path)) {
    if (text.startsWith(PROGRAM_TEXT_MARK)) return readProgramText(text)
    return path.endsWith('4') ? loadP4(text) : loadP5(text)
  }
  const { program, diagnostics } = compilePascal(text, compileOptions(invocation, path))
  printDiagnostics(invocation.streams, diagnostics)
  return program
}
