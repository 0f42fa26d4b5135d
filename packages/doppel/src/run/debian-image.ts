import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GIB, hostClock } from '@doppel/base'
import {
  bootstrapDisk,
  createQcow2,
  DebianArchive,
  openQcow2,
  type RootImage,
  saveRootImage,
  SECOND_STAGE,
} from '@doppel/images'
import { buildInMachine, freshUuid } from './build-machine.ts'
import type { ImageWork } from './images.ts'

const SUITE = 'trixie'
const ARCHITECTURE = 'riscv64'
/** What the guest sees; the file grows with what is written. */
const DISK_BYTES = 8 * GIB

/**
 * Makes the `debian` image: the packages of a minimal trixie from the archive, verified, unpacked onto a disk, and
 * installed there by its own dpkg in a machine. Throws `debian.*`, `net.*`, `image.*`, `disk.*`.
 */
export async function makeDebian({ cache, env, mirror, refresh, progress, note }: ImageWork): Promise<RootImage> {
  const work = await cache.workFolder()
  try {
    const archive = new DebianArchive({
      cache,
      suite: SUITE,
      refresh,
      progress,
      ...(note && { note }),
      ...(mirror !== undefined && { mirror }),
    })
    const { version } = await archive.release()
    const path = join(work, 'root.qcow2')
    const folder = join(work, 'packages')
    await createQcow2(path, DISK_BYTES)
    const store = await openQcow2(path)
    try {
      const madeAt = Number(hostClock().realtimeNs() / 1_000_000_000n)
      const identity = { uuid: freshUuid(), label: 'debian', madeAt }
      const index = await archive.index(ARCHITECTURE)
      await bootstrapDisk(archive, index, store, { identity, folder, suite: SUITE, progress })
    } finally {
      await store.close()
    }
    note?.('installing Debian in a machine of its own; this takes a minute or two, once')
    await buildInMachine({
      script: SECOND_STAGE,
      disks: [{ path, mode: 'read-write' }],
      volumes: [{ hostPath: folder, guestPath: '/debs', readOnly: true }],
      env,
      progress,
    })
    const image: RootImage = {
      name: 'debian',
      version: `${version} ${SUITE}`,
      disk: await cache.take(path),
      config: {},
    }
    await saveRootImage(cache, image)
    return image
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
