import { writeFileSync } from 'node:fs'
import { writeProgramText } from '@doppel/pcode/p-code'
import type { Invocation } from '../cli/command.ts'
import { loadProgram, readBytes, readSource } from './sources.ts'

/** Compiles a program to a file of p-code: 1 where it does not compile. */
export async function compileFile(invocation: Invocation): Promise<number> {
  const [path = ''] = invocation.arguments
  const program = await loadProgram(invocation, path, readSource(path))
  if (program === undefined) return 1
  writeFileSync(invocation.value('output') ?? path.replace(/\.pas$/i, '') + '.p5', writeProgramText(program))
  return 0
}

/** Prints a program's p-code: 1 where it does not compile. */
export async function disassembleFile(invocation: Invocation): Promise<number> {
  const [path = ''] = invocation.arguments
  if (/\.code$/i.test(path)) {
    const { disassembleCodefile, readCodefile } = await import('@doppel/pcode/ucsd')
    invocation.streams.stdout(disassembleCodefile(readCodefile(readBytes(path))))
    return 0
  }
  const program = await loadProgram(invocation, path, readSource(path))
  if (program === undefined) return 1
  invocation.streams.stdout(writeProgramText(program))
  return 0
}
