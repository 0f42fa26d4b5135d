import { checkPascal } from '@doppel/pcode'
import type { Invocation } from '../cli/command.ts'
import { compileOptions, printDiagnostics, readSource } from './sources.ts'

/** Checks programs by the rules of their dialect, and prints what is wrong: 1 where something is. */
export function checkFiles(invocation: Invocation): number {
  const found = invocation.arguments.flatMap(
    path => checkPascal(readSource(path), { ...compileOptions(invocation, path), mayBeUnit: true }).diagnostics,
  )
  if (invocation.has('json')) invocation.streams.stdout(`${JSON.stringify(found, undefined, 2)}\n`)
  else printDiagnostics(invocation.streams, found)
  return found.some(({ severity }) => severity === 'error') ? 1 : 0
}
