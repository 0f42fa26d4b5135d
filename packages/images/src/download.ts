import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DoppelError, formatSize } from '@doppel/base'
import { errnoOf, fileFailure } from './cache/files.ts'
import type { ImageCache } from './cache/image-cache.ts'
import { httpGet } from './http.ts'
import type { Progress } from './progress.ts'

/** A connection that breaks is taken up again this many times before the user is told. */
const MAX_RETRIES = 4
const RETRY_PAUSE_MS = 500

/** What to fetch, and what it must turn out to be. */
export interface Download {
  readonly url: string
  readonly sha256: string
  readonly sizeBytes: number
  /** What the progress report calls it. */
  readonly label: string
  /** For the server, e.g. a token. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Brings a file into the cache and returns its path there. A file begun earlier is continued (HTTP Range, RFC 9110
 * §14.2); it is published only when size and SHA-256 are right. Throws `image.hash`, `net.*` or `cache.*`.
 */
export async function download(cache: ImageCache, wanted: Download, progress?: Progress): Promise<string> {
  const path = cache.objectPath(wanted.sha256)
  if (await cache.has(wanted)) return path
  await cache.locked(`get-${wanted.sha256}`, async () => {
    // Another process may have finished it while this one waited.
    if (await cache.has(wanted)) return
    const part = cache.partialPath(wanted.sha256)
    try {
      const resumed = await complete(part, wanted, progress)
      if (!resumed.sound && resumed.fromEarlier) {
        // The earlier bytes may be at fault: once more from the start.
        await rm(part, { force: true })
        const again = await complete(part, wanted, progress)
        if (!again.sound) throw wrongHash(wanted, again.sha256)
      } else if (!resumed.sound) throw wrongHash(wanted, resumed.sha256)
    } catch (error) {
      const coded = error instanceof DoppelError ? error : fileFailure(part, error)
      // An interrupted connection leaves its bytes for the next attempt; wrong bytes or a full disk leave none.
      if (coded.code === 'image.hash' || coded.code === 'cache.full') await rm(part, { force: true })
      throw coded
    }
    await cache.adopt(part, wanted.sha256)
  })
  return path
}

interface Outcome {
  readonly sound: boolean
  readonly sha256: string
  /** True when bytes of an earlier run were built upon. */
  readonly fromEarlier: boolean
}

async function complete(part: string, wanted: Download, progress?: Progress): Promise<Outcome> {
  await mkdir(dirname(part), { recursive: true })
  let { hash, lengthBytes } = await earlierBytes(part, wanted.sizeBytes)
  const fromEarlier = lengthBytes > 0
  const handle = await open(part, lengthBytes > 0 ? 'r+' : 'w')
  try {
    for (let retries = 0; lengthBytes < wanted.sizeBytes; retries++) {
      try {
        for await (const step of body(wanted, lengthBytes)) {
          if (step.restart) {
            await handle.truncate(0)
            hash = createHash('sha256')
            lengthBytes = 0
          }
          if (lengthBytes + step.bytes.length > wanted.sizeBytes) throw tooLong(wanted)
          await writeAll(handle, step.bytes, lengthBytes)
          hash.update(step.bytes)
          lengthBytes += step.bytes.length
          progress?.({ label: wanted.label, doneBytes: lengthBytes, totalBytes: wanted.sizeBytes })
        }
        if (lengthBytes < wanted.sizeBytes && retries >= MAX_RETRIES) throw tooShort(wanted, lengthBytes)
      } catch (error) {
        const coded = error instanceof DoppelError ? error : fileFailure(part, error)
        if (coded.code !== 'net.interrupted' || retries >= MAX_RETRIES) throw coded
      }
      if (lengthBytes < wanted.sizeBytes) await sleep(RETRY_PAUSE_MS * 2 ** retries)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  const digest = hash.digest('hex')
  return { sound: digest === wanted.sha256, sha256: digest, fromEarlier }
}

/** The file's bytes from `offset` on; `restart` says that the server sent it whole instead. */
async function* body(
  wanted: Download,
  offset: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly restart: boolean }> {
  const response = await httpGet(wanted.url, {
    ...(offset > 0 && { range: `bytes=${offset}-` }),
    ...(wanted.headers && { headers: wanted.headers }),
  })
  if (response.sizeBytes !== undefined && response.sizeBytes !== wanted.sizeBytes) {
    response.cancel()
    throw otherSize(wanted, response.sizeBytes)
  }
  const start = Number(/^bytes (\d+)-/.exec(response.contentRange ?? '')?.[1] ?? -1)
  let restart = offset > 0 && !(response.status === 206 && start === offset)
  for await (const bytes of response.chunks) {
    yield { bytes, restart }
    restart = false
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function earlierBytes(part: string, maxBytes: number): Promise<{ hash: Hash; lengthBytes: number }> {
  const hash = createHash('sha256')
  try {
    const { size } = await stat(part)
    if (size > maxBytes) {
      await rm(part, { force: true })
      return { hash, lengthBytes: 0 }
    }
    let lengthBytes = 0
    for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Uint8Array)
      lengthBytes += (chunk as Uint8Array).length
    }
    return { hash, lengthBytes }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { hash, lengthBytes: 0 }
    throw fileFailure(part, error)
  }
}

/** For an error's details: a token is nobody else's business. */
const about = ({ url, sha256, sizeBytes }: Download): Pick<Download, 'url' | 'sha256' | 'sizeBytes'> => ({
  url,
  sha256,
  sizeBytes,
})

const wrongHash = (wanted: Download, found: string): DoppelError =>
  new DoppelError('image.hash', `${wanted.url} has SHA-256 ${found}; expected ${wanted.sha256}`, {
    ...about(wanted),
    found,
  })

const otherSize = (wanted: Download, found: number): DoppelError =>
  new DoppelError('image.hash', `${wanted.url} has ${found} bytes; expected ${wanted.sizeBytes}`, {
    ...about(wanted),
    found,
  })

const tooLong = (wanted: Download): DoppelError =>
  new DoppelError(
    'image.hash',
    `${wanted.url} is longer than the expected ${formatSize(wanted.sizeBytes)}`,
    about(wanted),
  )

const tooShort = (wanted: Download, found: number): DoppelError =>
  new DoppelError(
    'net.interrupted',
    `${wanted.url} ends after ${formatSize(found)} of ${formatSize(wanted.sizeBytes)}; run again to continue`,
    { ...about(wanted), found },
  )
