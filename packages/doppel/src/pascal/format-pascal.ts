import { writeFileSync } from 'node:fs'
import { formatPascal } from '@doppel/pcode/format'
import type { Invocation } from '../cli/command.ts'
import { compileOptions, printDiagnostics, readSource } from './sources.ts'

/** Lays out programs: prints them, changes their files, or only says which are laid out otherwise. */
export function formatFiles(invocation: Invocation): number {
  let status = 0
  for (const path of invocation.arguments) {
    const before = readSource(path)
    const { text, diagnostics } = formatPascal(before, path, compileOptions(invocation, path).dialect)
    printDiagnostics(invocation.streams, diagnostics)
    if (text === undefined) {
      status = 1
    } else if (invocation.has('check')) {
      if (text !== before) invocation.streams.stdout(`${path}\n`)
      status = text === before ? status : 1
    } else if (invocation.has('write')) {
      if (text !== before) writeFileSync(path, text)
    } else {
      invocation.streams.stdout(text)
    }
  }
  return status
}
