import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheFolder } from '@doppel/images'
import { type RiscvCpu, ThreadedCpu } from '@doppel/riscv'
import { isFileError } from '../host/file-error.ts'

/** So many new regions are worth the writing. */
const WORTH_SAVING = 64

type Environment = Readonly<Record<string, string | undefined>>

/** Code for harts on threads differs: it has atomic operations. */
function pathOf(cpu: RiscvCpu | ThreadedCpu, env: Environment): string {
  return join(cacheFolder(env), 'translations', cpu instanceof ThreadedCpu ? 'riscv64-threads' : 'riscv64')
}

/** Gives a machine the translations of earlier ones; the engine checks what it is given. */
export async function restoreTranslations(cpu: RiscvCpu | ThreadedCpu, env: Environment): Promise<void> {
  try {
    const owner = cpu instanceof ThreadedCpu ? cpu : cpu.engine
    owner.restoreTranslations(await readFile(pathOf(cpu, env)))
  } catch (error) {
    if (!isFileError(error)) throw error
  }
}

/** Keeps a machine's translations for later ones, when it has made enough; readers see the old file or the new one. */
export async function keepTranslations(cpu: RiscvCpu | ThreadedCpu, env: Environment): Promise<void> {
  const made = cpu instanceof ThreadedCpu ? (cpu.threadStats[0]?.engine.regions ?? 0) : cpu.engine.stats.regions
  if (made < WORTH_SAVING) return
  const file = cpu instanceof ThreadedCpu ? await cpu.saveTranslations() : cpu.engine.saveTranslations()
  if (file === undefined) return
  const path = pathOf(cpu, env)
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, file)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    if (!isFileError(error)) throw error
  }
}
