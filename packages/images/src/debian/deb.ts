import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DoppelError } from '@doppel/base'
import { createTarDecoder } from 'modern-tar'
import { packingOf, unpacked } from '../decompress.ts'
import type { Progress } from '../progress.ts'
import { arMembers } from './ar.ts'

/** What of a .deb's file tree a caller got. */
export interface DebFile {
  /** Path without a leading `./`. */
  readonly path: string
  readonly mode: number
  readonly bytes: Uint8Array
}

/** No package that doppel reads unpacks to more; a larger one is an attack or a mistake. */
const MAX_UNPACKED_BYTES = 2 ** 31
const MAX_KEPT_BYTES = 512 * 2 ** 20

/**
 * Takes the regular files that `wanted` accepts out of a .deb (deb(5): ar of debian-binary, control and data
 * tars), in one pass. Throws `deb.format`, `image.damaged` or `image.too-large`.
 */
export async function extractDeb(
  path: string,
  wanted: (path: string) => boolean,
  progress?: Progress,
): Promise<Map<string, DebFile>> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const readAt = async (offset: number, lengthBytes: number): Promise<Uint8Array> => {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(lengthBytes), 0, lengthBytes, offset)
      return buffer.subarray(0, bytesRead)
    }
    const members = await arMembers(readAt, size, path)
    const data = members.find(member => /^data\.tar(?:\.(?:gz|xz|zst))?$/.test(member.name))
    if (members[0]?.name !== 'debian-binary' || data === undefined) {
      const names = members.map(member => member.name).join(', ')
      throw new DoppelError('deb.format', `${path}: expected debian-binary and data.tar.{xz,zst,gz}, found ${names}`, {
        path,
      })
    }
    const source = handle.createReadStream({
      start: data.offset,
      end: data.offset + data.sizeBytes - 1,
      highWaterMark: 1 << 18,
      autoClose: false,
    }) as AsyncIterable<Uint8Array>
    async function* reported(): AsyncGenerator<Uint8Array> {
      let doneBytes = 0
      for await (const chunk of source) {
        yield chunk
        doneBytes += chunk.length
        progress?.({ label: 'unpacking', doneBytes, totalBytes: data?.sizeBytes })
      }
    }
    return await filesOfTar(unpacked(packingOf(data.name), reported(), MAX_UNPACKED_BYTES, path), wanted, path)
  } finally {
    await handle.close()
  }
}

/** Takes the regular files that `wanted` accepts out of a tar stream. Throws `image.damaged` or `image.too-large`. */
export async function filesOfTar(
  tar: AsyncIterable<Uint8Array>,
  wanted: (path: string) => boolean,
  where: string,
): Promise<Map<string, DebFile>> {
  const files = new Map<string, DebFile>()
  let kept = 0
  try {
    const decoder = createTarDecoder({ strict: true })
    const feeding = (Readable.toWeb(Readable.from(tar)) as ReadableStream<Uint8Array>).pipeTo(decoder.writable)
    // Its failure reaches the reader below too; unobserved here it would end the process.
    feeding.catch(() => undefined)
    for await (const { header, body } of decoder.readable) {
      const path = header.name.replace(/^(?:\.?\/)+/, '')
      if (header.type !== 'file' || !wanted(path)) {
        await body.cancel()
        continue
      }
      kept += header.size
      if (kept > MAX_KEPT_BYTES) {
        throw new DoppelError('image.too-large', `${where}: wanted files exceed ${MAX_KEPT_BYTES} bytes`, { where })
      }
      files.set(path, { path, mode: header.mode ?? 0o644, bytes: await exactly(body, header.size) })
    }
    await feeding
  } catch (error) {
    if (error instanceof DoppelError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new DoppelError('image.damaged', `${where} does not hold a sound tar: ${reason}`, { where }, error)
  }
  return files
}

async function exactly(body: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes)
  let at = 0
  for await (const chunk of body) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at !== sizeBytes) throw new RangeError(`a member of ${sizeBytes} bytes ends after ${at}`)
  return bytes
}
