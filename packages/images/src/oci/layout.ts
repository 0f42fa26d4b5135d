import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DoppelError } from '@doppel/base'
import { readTar } from '../tar.ts'
import type { OciSource } from './image.ts'

/** What a layout is made of (OCI image-spec, image-layout.md); nothing else of a tar is unpacked. */
const PART = /^(?:oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64})$/

/** An image in a folder that is an OCI layout. Throws `oci.layout` where it is none. */
export async function layoutFolder(folder: string, where: string): Promise<OciSource> {
  const index = join(folder, 'index.json')
  if (!(await isFile(join(folder, 'oci-layout'))) || !(await isFile(index))) {
    throw new DoppelError('oci.layout', `${where} is no OCI layout; expected oci-layout and index.json in it`, {
      where,
    })
  }
  return {
    where,
    root: async () => await readFile(index),
    blob: async ({ sha256 }) => {
      const path = join(folder, 'blobs', 'sha256', sha256)
      if (!(await isFile(path))) {
        throw new DoppelError('oci.layout', `${where} lacks the part sha256:${sha256}`, { where, sha256 })
      }
      return createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
    },
  }
}

/** Unpacks a tar into `folder`, if it is one of an OCI layout: true then. Throws `image.damaged`. */
export async function unpackLayout(tar: AsyncIterable<Uint8Array>, folder: string, where: string): Promise<boolean> {
  let isLayout = false
  await readTar(tar, where, async ({ header, path, body }) => {
    if (header.type !== 'file' || !PART.test(path)) return
    if (path === 'oci-layout') isLayout = true
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await pipeline(Readable.from(body), createWriteStream(target))
  })
  return isLayout
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    found => found.isFile(),
    () => false,
  )
}
