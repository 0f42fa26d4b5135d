import { DoppelError } from '@doppel/base'
import { sha256 } from './cache/files.ts'
import type { CachedObject, ImageCache } from './cache/image-cache.ts'

/** What an image says of how it is to be run (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly env?: Readonly<Record<string, string>>
  /** What a command is an argument list of. */
  readonly entrypoint?: readonly string[]
  /** What runs when no command is given. */
  readonly command?: readonly string[]
  readonly folder?: string
  readonly user?: string
}

/** An image that is a disk with a Linux root file system; it runs on the `linux` image's kernel. */
export interface RootImage {
  readonly name: string
  readonly version: string
  /** A qcow2 disk. */
  readonly disk: CachedObject
  readonly config: ImageConfig
  /** Which way of making it made it, where doppel makes the image by itself; absent before there was a second way. */
  readonly edition?: number
}

const PREFIX = 'root-'
const IMAGE_NAME = /^[a-z0-9](?:[A-Za-z0-9._/:@-]*[A-Za-z0-9])?$/

/** Checks an image's name: letters, digits and `. _ - / : @` between them, a small letter or digit first. Throws `image.name`. */
export function imageName(text: string): string {
  if (IMAGE_NAME.test(text) && text.length <= 255) return text
  throw new DoppelError('image.name', `'${text}' cannot be an image's name; expected one such as web or team/web:1.2`, {
    name: text,
  })
}

const recordName = (name: string): string => PREFIX + sha256(new TextEncoder().encode(name)).slice(0, 32)

/** The image of that name, or undefined when it is not here or its disk is gone. */
export async function findRootImage(cache: ImageCache, name: string): Promise<RootImage | undefined> {
  const image = (await cache.readRecord(recordName(name))) as RootImage | undefined
  return image && (await cache.hasFile(image.disk)) ? image : undefined
}

/** Makes `image` what its name stands for. */
export async function saveRootImage(cache: ImageCache, image: RootImage): Promise<void> {
  await cache.writeRecord(recordName(imageName(image.name)), image)
}

/** All images of this kind, by name. */
export async function rootImages(cache: ImageCache): Promise<RootImage[]> {
  const names = await cache.recordNames(PREFIX)
  const images = await Promise.all(names.map(async name => (await cache.readRecord(name)) as RootImage | undefined))
  return images.filter(image => image !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Forgets the image; `ImageCache.collect` frees what it used. */
export async function removeRootImage(cache: ImageCache, name: string): Promise<void> {
  await cache.removeRecord(recordName(name))
}
