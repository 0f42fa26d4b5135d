import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DoppelError } from '@doppel/base'
import {
  type CompileOptions,
  type CompileResult,
  compilePascal,
  type Diagnostic,
  DIALECTS,
  type Dialect,
  type Program,
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
    readFile: name => readIncluded(resolve(dirname(path), name)),
    ...(dialect === undefined ? {} : { dialect: dialect as Dialect['name'] }),
  }
}

/** The text of a file that a program takes in; undefined where there is none, which the compiler says. */
function readIncluded(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readSource(path) : undefined
}

/** Prints what is wrong with a program, and how much of it there is. */
export function printDiagnostics(streams: Streams, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) streams.stderr(`${renderDiagnostic(diagnostic)}\n`)
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  if (errors > 0) streams.stderr(`${errors} error${errors === 1 ? '' : 's'}\n`)
}

/** A program of a file's text, or undefined after what is wrong with it was printed. Throws `pcode.*` for p-code that is none. */
export async function loadProgram(invocation: Invocation, path: string, text: string): Promise<Program | undefined> {
  const { program, diagnostics } = await programOf(path, text, compileOptions(invocation, path))
  printDiagnostics(invocation.streams, diagnostics)
  return program
}

/**
 * A program of Pascal text, or of p-code (this machine's own text, or Pascal-P4's or P5's) where the file is called `.p4` or `.p5`.
 * Throws `pcode.*` for p-code that is none.
 */
export async function programOf(path: string, text: string, options: CompileOptions): Promise<CompileResult> {
  if (!/\.p[45]$/i.test(path)) return compilePascal(text, options)
  // Not loaded where a program of Pascal text is to begin at once.
  const { loadP4, loadP5, PROGRAM_TEXT_MARK, readProgramText } = await import('@doppel/pcode/p-code')
  if (text.startsWith(PROGRAM_TEXT_MARK)) return { program: readProgramText(text), diagnostics: [] }
  return { program: path.endsWith('4') ? loadP4(text) : loadP5(text), diagnostics: [] }
}
