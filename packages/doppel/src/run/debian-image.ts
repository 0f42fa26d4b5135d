import { join } from 'node:path'
import { bootstrapDisk, createQcow2, DebianArchive, openQcow2, type RootImage, SECOND_STAGE } from '@doppel/images'
import { buildCommand, inBuildMachine } from './build-machine.ts'
import { freshIdentity, IMAGE_DISK_BYTES, made } from './image-import.ts'
import type { ImageWork } from './images.ts'

const SUITE = 'trixie'
const ARCHITECTURE = 'riscv64'

/** To be counted up with each change to what the image holds: one of an earlier edition is made anew. */
export const DEBIAN_EDITION = 2

/**
 * Makes the `debian` image: the packages of a minimal trixie from the archive, verified, unpacked onto a disk, and
 * installed there by its own dpkg in a machine. Throws `debian.*`, `net.*`, `image.*`, `disk.*`.
 */
export async function makeDebian(work: ImageWork): Promise<RootImage> {
  const { progress, note, env, ...rest } = work
  return await made(work, async (path, workFolder) => {
    const archive = new DebianArchive({ ...rest, suite: SUITE, progress, ...(note && { note }) })
    const { version } = await archive.release()
    const folder = join(workFolder, 'packages')
    await createQcow2(path, IMAGE_DISK_BYTES)
    const store = await openQcow2(path)
    try {
      const index = await archive.index(ARCHITECTURE)
      await bootstrapDisk(archive, index, store, {
        identity: freshIdentity('debian'),
        folder,
        suite: SUITE,
        architecture: ARCHITECTURE,
        progress,
      })
    } finally {
      await store.close()
    }
    note?.('installing Debian in a machine of its own; this takes a minute or two, once')
    const machine = {
      disks: [{ path, mode: 'read-write' }],
      volumes: [{ hostPath: folder, guestPath: '/debs', readOnly: true }],
      env,
      progress,
    } as const
    await inBuildMachine(machine, async commands => await buildCommand(commands, SECOND_STAGE))
    return { name: 'debian', version: `${version} ${SUITE}`, config: {}, edition: DEBIAN_EDITION }
  })
}
