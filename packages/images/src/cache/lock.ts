import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostClock } from '@doppel/base'
import { errnoOf, fileFailure } from './files.ts'

/** A holder touches its lock this often; one untouched for `STALE_MS` belongs to a process that is gone. */
const HEARTBEAT_MS = 2_000
const STALE_MS = 20_000
const POLL_MS = 100

const clock = hostClock()
const nowMs = (): number => Number(clock.realtimeNs() / 1_000_000n)

/**
 * Runs `work` while holding the lock file `path`; another process (or caller) waits its turn. A lock whose holder
 * died is taken over. Throws `cache.*` when the lock cannot be made.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const token = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  await acquire(path, token)
  const heartbeat = setInterval(() => {
    // Losing the file between beats is seen at release; a failed beat alone must not end the work.
    utimes(path, nowMs() / 1000, nowMs() / 1000).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') clearInterval(heartbeat)
    })
  }, HEARTBEAT_MS)
  heartbeat.unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await readIfPresent(path)) === token) await rm(path, { force: true })
  }
}

async function acquire(path: string, token: string): Promise<void> {
  for (;;) {
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, token, { flag: 'wx' })
      return
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw fileFailure(path, error)
    }
    if (!(await breakIfStale(path))) await sleep(POLL_MS)
  }
}

/** Takes a dead holder's lock away; true when the caller should try at once. */
async function breakIfStale(path: string): Promise<boolean> {
  const seen = await readIfPresent(path)
  if (seen === undefined) return true
  if (!(await isStale(path, seen))) return false
  // Two waiters may both judge the same lock stale. Renaming picks one of them; if what was renamed is no longer
  // what was judged, it is a new holder's, and goes back.
  const aside = `${path}.${randomBytes(6).toString('hex')}.stale`
  try {
    await rename(path, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true
    throw fileFailure(path, error)
  }
  if ((await readIfPresent(aside)) !== seen) {
    await link(aside, path).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw fileFailure(path, error)
    })
  }
  await rm(aside, { force: true })
  return true
}

async function isStale(path: string, content: string): Promise<boolean> {
  const [pid, host] = content.trim().split(' ')
  if (host === hostname() && pid !== undefined && !processExists(Number(pid))) return true
  try {
    const { mtimeMs } = await stat(path)
    return nowMs() - mtimeMs > STALE_MS
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileFailure(path, error)
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw fileFailure(path, error)
  }
}
