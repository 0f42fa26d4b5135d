import { parseCommandLine } from '../cli/parse.ts'
import type { ProgramSpec } from '../control/entries.ts'
import type { ProgramRun, ProgramWorld } from './program-world.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Starts a recorded program in the current folder. Throws what reading its command line, files and libraries throws. */
export async function startProgram(
  { program, words }: ProgramSpec,
  env: Env,
  world: ProgramWorld,
): Promise<ProgramRun> {
  if (program === 'java') {
    const { startJava } = await import('../java/run-java.ts')
    return await startJava(words, env, world)
  }
  const { runPascalCommand, runVolumeCommand } = await import('../cli/commands/pascal.ts')
  if (program === 'pascal') {
    const { startPascal } = await import('../pascal/run-pascal.ts')
    return await startPascal(parseCommandLine(runPascalCommand, words, env, world.streams), world)
  }
  const { startVolume } = await import('../pascal/ucsd/run-volume.ts')
  return await startVolume(parseCommandLine(runVolumeCommand, words, env, world.streams), world)
}
