import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { DoppelError } from '@doppel/base'
import { collect, packingOf, unpacked } from '../decompress.ts'
import type { Progress } from '../progress.ts'
import { filesOfTar, type TarFile } from '../tar.ts'
import { arHead, arMembers, AR_MAGIC } from './ar.ts'

/** No package that doppel reads unpacks to more; a larger one is an attack or a mistake. */
const MAX_UNPACKED_BYTES = 2 ** 31

/**
 * Takes the regular files that `wanted` accepts out of a .deb (deb(5): ar of debian-binary, control and data
 * tars), in one pass. Throws `deb.format`, `image.damaged` or `image.too-large`.
 */
export async function extractDeb(
  path: string,
  wanted: (path: string) => boolean,
  progress?: Progress,
): Promise<Map<string, TarFile>> {
  return await filesOfTar(debTar(path, 'data', progress), wanted, path)
}

/** One of a .deb's two tars, unpacked. Throws as `extractDeb`. */
export async function* debTar(path: string, part: 'control' | 'data', progress?: Progress): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const readAt = async (offset: number, lengthBytes: number): Promise<Uint8Array> => {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(lengthBytes), 0, lengthBytes, offset)
      return buffer.subarray(0, bytesRead)
    }
    const members = await arMembers(readAt, size, path)
    const tar = members.find(member => new RegExp(`^${part}\\.tar(?:\\.(?:gz|xz|zst))?$`).test(member.name))
    if (members[0]?.name !== 'debian-binary' || tar === undefined) {
      const names = members.map(member => member.name).join(', ')
      throw new DoppelError(
        'deb.format',
        `${path}: expected debian-binary and ${part}.tar.{xz,zst,gz}, found ${names}`,
        {
          path,
        },
      )
    }
    const source = handle.createReadStream({
      start: tar.offset,
      end: tar.offset + tar.sizeBytes - 1,
      highWaterMark: 1 << 18,
      autoClose: false,
    }) as AsyncIterable<Uint8Array>
    async function* reported(): AsyncGenerator<Uint8Array> {
      let doneBytes = 0
      for await (const chunk of source) {
        yield chunk
        doneBytes += chunk.length
        progress?.({ label: 'unpacking', doneBytes, totalBytes: tar?.sizeBytes })
      }
    }
    yield* unpacked(packingOf(tar.name), reported(), MAX_UNPACKED_BYTES, path)
  } finally {
    await handle.close()
  }
}

/**
 * Writes the package anew with its tars unpacked, as deb(5) allows: dpkg in an emulated machine then has nothing to
 * decompress. Throws as `extractDeb`, or what writing throws.
 */
export async function unpackDeb(path: string, into: string): Promise<void> {
  await pipeline(plainDeb(path), createWriteStream(into))
}

async function* plainDeb(path: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(AR_MAGIC)
  const member = function* (name: string, bytes: Uint8Array): Generator<Uint8Array> {
    yield arHead(name, bytes.length)
    yield bytes
    if (bytes.length % 2 === 1) yield new TextEncoder().encode('\n')
  }
  yield* member('debian-binary', new TextEncoder().encode('2.0\n'))
  for (const part of ['control', 'data'] as const) yield* member(`${part}.tar`, await collect(debTar(path, part)))
}
