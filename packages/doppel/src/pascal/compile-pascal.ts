import { writeFileSync } from 'node:fs'
import { disassembleCodefile, readCodefile, writeProgramText } from '@doppel/pcode'
import type { Invocation } from '../cli/command.ts'
import { loadProgram, readBytes, readSource } from './sources.ts'

/** Compiles a program to a file of p-code: 1 where it does not compile. */
export function compileFile(invocation: Invocation): number {
  const [path = ''] = invocation.arguments
  const program = loadProgram(invocation, path, readSource(path))
  if (program === undefined) return 1
  writeFileSync(invocation.value('output') ?? path.replace(/\.pas$/i, '') + '.p5', writeProgramText(program))
  return 0
}

/** Prints a program's p-code: 1 where it does not compile. */
export function disassembleFile(invocation: Invocation): number {
  const [path = ''] = invocation.arguments
  if (/\.code$/i.test(path)) {
    invocation.streams.stdout(disassembleCodefile(readCodefile(readBytes(path))))
    return 0
  }
  const program = loadProgram(invocation, path, readSource(path))
  if (program === undefined) return 1
  invocation.streams.stdout(writeProgramText(program))
  return 0
}
