import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { TerminalDebugger } from '@doppel/monitor'
import { type Program } from '@doppel/pcode'
import { ProgramDebugger } from '@doppel/pcode/debug'
import type { Streams } from '../cli/command.ts'
import { programFiles } from './program-files.ts'
import { REAL_STYLE } from './run-pascal.ts'
import { TypedLines } from './typed-lines.ts'

/** A program that is to be debugged, and where it comes from. */
interface DebuggedFile {
  readonly path: string
  readonly text: string
  readonly bindings: ReadonlyMap<string, string>
}

const PROMPT = '(debug) '

/** Debugs a program in this terminal, which both share: its exit status, or 0 when it was left before. */
export async function debugInTerminal(
  program: Program,
  { path, text, bindings }: DebuggedFile,
  streams: Streams,
): Promise<number> {
  const lines = new TypedLines(() => target.pause())
  const standard = {
    input: lines,
    output: { write: (bytes: Uint8Array) => void process.stdout.write(bytes) },
  }
  const files = programFiles(bindings, new AbortController().signal, standard)
  const target = new ProgramDebugger(program, { files, realStyle: REAL_STYLE, rest: setImmediate })
  const terminal = new TerminalDebugger({
    target,
    readSource: file => (file === path ? text : readText(file)),
    write: shown => streams.stdout(shown),
  })
  terminal.showLine()
  while (!terminal.isOver) {
    const line = await lines.next(PROMPT)
    if (line === undefined) break
    await terminal.execute(line)
  }
  lines.end()
  return terminal.end?.exitCode ?? 0
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // A file that is gone has no lines to show; the debugger says so where they are asked for.
    return undefined
  }
}
