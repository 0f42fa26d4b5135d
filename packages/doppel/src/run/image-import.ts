import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GIB, hostClock } from '@doppel/base'
import {
  createQcow2,
  type FileSystemIdentity,
  importInto,
  imageName,
  openOciImage,
  openQcow2,
  type Reference,
  RegistryLogins,
  registrySource,
  type RootImage,
  saveRootImage,
  unpackOciImage,
} from '@doppel/images'
import { freshUuid } from './build-machine.ts'
import type { ImageWork } from './images.ts'

/** What a guest sees of a disk made for files; its file grows with what is written. */
export const IMAGE_DISK_BYTES: number = 8 * GIB
const SHORT_DIGITS = 12

/** What a new file system is told apart by. */
export function freshIdentity(label: string): FileSystemIdentity {
  return { uuid: freshUuid(), label: label.slice(0, 16), madeAt: Number(hostClock().realtimeNs() / 1_000_000_000n) }
}

/** Makes an image `name` of a file or folder of this computer; see `importInto` for what it may be. Throws as that. */
export async function importImage(path: string, name: string, work: ImageWork): Promise<RootImage> {
  imageName(name)
  return await made(work, async (target, workFolder) => {
    const { progress } = work
    const options = { identity: freshIdentity('root'), sizeBytes: IMAGE_DISK_BYTES, workFolder, progress }
    const { kind, config } = await importInto(target, path, options)
    return { name, version: `imported ${kind}`, config }
  })
}

/** Makes an image of one in a registry, under the name that it was asked for by. Throws `oci.*`, `net.*`, `disk.*`. */
export async function pullImage(reference: Reference, name: string, work: ImageWork): Promise<RootImage> {
  imageName(name)
  const login = await new RegistryLogins(work.env).find(reference.host)
  const image = await openOciImage(registrySource(reference, work.cache, work.progress, login))
  return await made(work, async target => {
    await createQcow2(target, IMAGE_DISK_BYTES)
    const store = await openQcow2(target)
    try {
      await unpackOciImage(image, store, freshIdentity('root'), work.progress)
    } finally {
      await store.close()
    }
    return { name, version: image.id.slice(0, SHORT_DIGITS), config: image.config }
  })
}

/** Lets `make` make a disk, and keeps it as an image; nothing stays behind when it fails. */
export async function made(
  { cache }: ImageWork,
  make: (target: string, workFolder: string) => Promise<Omit<RootImage, 'disk'>>,
): Promise<RootImage> {
  const folder = await cache.workFolder()
  try {
    const target = join(folder, 'root.qcow2')
    const about = await make(target, folder)
    const image = { ...about, disk: await cache.take(target) }
    await saveRootImage(cache, image)
    return image
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
