import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { DoppelError } from '@doppel/base'
import xz from 'xz-decompress'

/** How a stream is packed, by the ending of its file's name. */
export type Packing = 'none' | 'gz' | 'xz' | 'zst'

/** The packing that a name's ending says. */
export function packingOf(name: string): Packing {
  const ending = /\.(gz|xz|zst)$/.exec(name)?.[1]
  return ending === 'gz' || ending === 'xz' || ending === 'zst' ? ending : 'none'
}

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ['gz', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** The packing that a file's first bytes say. */
export function packingOfBytes(start: Uint8Array): Packing {
  return MAGIC.find(([, bytes]) => bytes.every((byte, i) => start[i] === byte))?.[0] ?? 'none'
}

/**
 * Unpacks a stream, at most `maxBytes` of it. `where` names it in errors. Throws `image.damaged` when the bytes are
 * not that packing or end early, `image.too-large` beyond the bound.
 */
export async function* unpacked(
  packing: Packing,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  where: string,
): AsyncGenerator<Uint8Array> {
  let total = 0
  try {
    for await (const chunk of unbounded(packing, source)) {
      total += chunk.length
      if (total > maxBytes) {
        throw new DoppelError('image.too-large', `${where} unpacks to more than ${maxBytes} bytes`, { where, maxBytes })
      }
      yield chunk
    }
  } catch (error) {
    if (error instanceof DoppelError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new DoppelError('image.damaged', `${where} is not sound ${packing} data: ${reason}`, { where }, error)
  }
}

function unbounded(packing: Packing, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  switch (packing) {
    case 'none':
      return source
    case 'xz':
      return new xz.XzReadableStream(Readable.toWeb(Readable.from(source)) as ReadableStream<Uint8Array>)
    case 'gz':
      return through(createGunzip(), source)
    case 'zst':
      return through(createZstdDecompress(), source)
  }
}

async function* through(transform: Transform, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const feeding = pipeline(source, transform)
  // The reader below sees the same failure; without this, Node would call the feeder's copy of it unhandled.
  feeding.catch(() => undefined)
  try {
    for await (const chunk of transform) yield chunk as Uint8Array
    await feeding
  } finally {
    transform.destroy()
  }
}

/** All of a stream's bytes in one array. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    // Some decoders reuse the buffer they hand out.
    parts.push(chunk.slice())
    length += chunk.length
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
