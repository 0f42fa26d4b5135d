import { Readable } from 'node:stream'
import { DoppelError } from '@doppel/base'
import { createTarDecoder, type TarHeader } from 'modern-tar'

/** A regular file out of a tar. */
export interface TarFile {
  /** Path without a leading `./`. */
  readonly path: string
  readonly mode: number
  readonly bytes: Uint8Array
}

/** A member of a tar as it passes; its body is read, or left, before the next one comes. */
export interface TarMember {
  readonly header: TarHeader
  /** Path without a leading `./` or slash. */
  readonly path: string
  readonly body: AsyncIterable<Uint8Array>
}

const MAX_KEPT_BYTES = 512 * 2 ** 20

/** Hands a tar's members to `take`, one after another. Throws `image.damaged`, and what `take` throws with a code. */
export async function readTar(
  tar: AsyncIterable<Uint8Array>,
  where: string,
  take: (member: TarMember) => Promise<void>,
): Promise<void> {
  try {
    const decoder = createTarDecoder({ strict: true })
    const feeding = (Readable.toWeb(Readable.from(tar)) as ReadableStream<Uint8Array>).pipeTo(decoder.writable)
    // Its failure reaches the reader below too; unobserved here it would end the process.
    feeding.catch(() => undefined)
    for await (const { header, body } of decoder.readable) {
      let isRead = false
      async function* once(): AsyncGenerator<Uint8Array> {
        isRead = true
        yield* body as AsyncIterable<Uint8Array>
      }
      const bytes = once()
      await take({ header, path: header.name.replace(/^(?:\.?\/)+/, ''), body: bytes })
      // Read to the end rather than cancelled: after a cancelled body the decoder can wait for input it has already.
      if (!isRead) for await (const _ of bytes);
    }
    await feeding
  } catch (error) {
    if (error instanceof DoppelError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new DoppelError('image.damaged', `${where} does not hold a sound tar: ${reason}`, { where }, error)
  }
}

/** Takes the regular files that `wanted` accepts out of a tar stream. Throws `image.damaged` or `image.too-large`. */
export async function filesOfTar(
  tar: AsyncIterable<Uint8Array>,
  wanted: (path: string) => boolean,
  where: string,
): Promise<Map<string, TarFile>> {
  const files = new Map<string, TarFile>()
  let kept = 0
  await readTar(tar, where, async ({ header, path, body }) => {
    if (header.type !== 'file' || !wanted(path)) return
    kept += header.size
    if (kept > MAX_KEPT_BYTES) {
      throw new DoppelError('image.too-large', `${where}: wanted files exceed ${MAX_KEPT_BYTES} bytes`, { where })
    }
    files.set(path, { path, mode: header.mode ?? 0o644, bytes: await exactly(body, header.size) })
  })
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
