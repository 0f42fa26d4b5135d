import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DoppelError } from '@doppel/base'
import { runtimeFolder } from '../control/entries.ts'
import { startOf } from './process-start.ts'

/**
 * Claims a disk image for a machine of this process: one machine may write it, or several may read it. A claim ends with
 * `release`, or with its process. Throws `disk.locked`, saying who has it. Claims are files in the runtime folder, a
 * folder for each image, so the image's own folder need not be writable. The claim of the process `heirOf`, which hands
 * its machine over, stands beside this one.
 */
export async function lockDisk(
  path: string,
  mode: 'read' | 'write',
  env: Readonly<Record<string, string | undefined>>,
  heirOf?: number,
): Promise<{ release(): Promise<void> }> {
  const image = await realpath(path)
  const key = createHash('sha256').update(image).digest('hex').slice(0, 32)
  const folder = join(runtimeFolder(env), 'locks', key)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const mine = `${process.pid}-${randomBytes(6).toString('hex')}.${mode}`
  // Claim first, then look: of two that claim at once at least one sees the other.
  await writeFile(join(folder, mine), startOf(process.pid) ?? '', { mode: 0o600 })
  const release = async (): Promise<void> => await rm(join(folder, mine), { force: true })
  for (const name of await readdir(folder)) {
    const claim = /^(\d+)-[0-9a-f]+\.(read|write)$/.exec(name)
    if (!claim || name === mine || (mode === 'read' && claim[2] === 'read')) continue
    const pid = Number(claim[1])
    if (pid === heirOf) continue
    const started = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    if (started === undefined) continue
    if (startOf(pid) !== started) {
      await rm(join(folder, name), { force: true })
      continue
    }
    await release()
    throw new DoppelError(
      'disk.locked',
      `${path} is in use by another machine (process ${pid} ${claim[2] === 'write' ? 'writes' : 'reads'} it); ` +
        (mode === 'write' ? 'attach it with :ro or :overlay where nobody writes it' : 'wait until that has ended'),
      { path, pid },
    )
  }
  return { release }
}
