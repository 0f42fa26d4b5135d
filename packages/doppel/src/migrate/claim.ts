import { writeFile } from 'node:fs/promises'

/**
 * Makes a machine one end's that two ends may run, by a file that only the first of them can make; false where the other
 * was first. It stands whatever becomes of the line between them, and of either process.
 */
export async function claimMachine(path: string, by: 'source' | 'target'): Promise<boolean> {
  try {
    await writeFile(path, by, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
