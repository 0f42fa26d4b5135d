import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DoppelError } from '@doppel/base'

/** What is searched, and for what. */
export interface SeedSearch {
  readonly seeds: { readonly first: number; readonly last: number }
  /** Runs at a time. */
  readonly jobs: number
  /** Goes on after the first failure. */
  readonly findsAll: boolean
  /** Words of `doppel record` for one run, seed and output aside. */
  readonly words: readonly string[]
  /** The folder for recordings of runs that fail. */
  readonly folder: string
  /** How a run ends, and what it prints or does not print, that has not failed. */
  readonly status: number
  readonly expects: readonly string[]
  readonly rejects: readonly string[]
}

/** A run that failed. */
export interface FailedRun {
  readonly seed: number
  readonly status: number
  /** Why it counts as failed, for people. */
  readonly reason: string
  /** The recording's path. */
  readonly recording: string
}

/** What came of a search: failures by their seeds. */
export interface SearchResult {
  readonly tried: number
  readonly failed: readonly FailedRun[]
}

/** One run, ended. */
interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const PROGRAM = fileURLToPath(new URL('../../bin/doppel.js', import.meta.url))
/** Of what a run prints so much is kept, characters, and looked at. */
const MAX_KEPT = 1 << 20
/** The last thing that `doppel record` says once a machine has run, whatever came of it. */
const RECORDED = 'recorded to instruction'

/**
 * Runs the same test under one seed after another, several at a time in processes of their own, until one fails. That is the
 * lowest seed that does, whichever run ends first. `found` is told of each failure. Throws `search.run` where a run cannot be made.
 */
export async function searchSeeds(search: SeedSearch, found: (run: FailedRun) => void): Promise<SearchResult> {
  const { seeds, jobs, findsAll } = search
  const failed: FailedRun[] = []
  const underWay = new Map<number, AbortController>()
  let next = seeds.first
  let tried = 0
  const fail = (run: FailedRun): void => {
    failed.push(run)
    if (findsAll) return
    next = seeds.last + 1
    // Lower seeds may fail too, and come first; what higher ones do is of no use any more.
    for (const [seed, abort] of underWay) if (seed > run.seed) abort.abort()
  }
  const work = async (): Promise<void> => {
    for (let seed = next++; seed <= seeds.last; seed = next++) {
      const abort = new AbortController()
      underWay.set(seed, abort)
      const recording = join(search.folder, `seed-${seed}.tape`)
      const outcome = await runSeed(search, seed, recording, abort.signal).finally(() => underWay.delete(seed))
      const reason = outcome && failure(search, outcome)
      if (outcome) tried++
      if (outcome && reason !== undefined) fail({ seed, status: outcome.status, reason, recording })
      else await rm(recording, { force: true })
    }
  }
  try {
    await Promise.all(Array.from({ length: jobs }, work))
  } finally {
    next = seeds.last + 1
    for (const abort of underWay.values()) abort.abort()
  }
  failed.sort((a, b) => a.seed - b.seed)
  const kept = findsAll ? failed : failed.slice(0, 1)
  for (const { recording } of failed.slice(kept.length)) await rm(recording, { force: true })
  for (const run of kept) found(run)
  return { tried, failed: kept }
}

/** Undefined where it was broken off. */
async function runSeed(
  { words }: SeedSearch,
  seed: number,
  recording: string,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const child = spawn(process.execPath, [PROGRAM, 'record', '--output', recording, '--seed', `${seed}`, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = (): void => void child.kill()
  signal.addEventListener('abort', stop)
  const kept = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]
      .setEncoding('utf8')
      .on('data', (text: string) => void (kept[name] = (kept[name] + text).slice(-MAX_KEPT)))
  }
  const [status] = (await once(child, 'close')) as [number | null]
  signal.removeEventListener('abort', stop)
  if (signal.aborted) return undefined
  if (status === null || !kept.stderr.includes(RECORDED)) {
    const why = kept.stderr.trim().split('\n').at(-1) ?? ''
    throw new DoppelError('search.run', `the run with seed ${seed} could not be made: ${why}`, { seed, status })
  }
  return { status, ...kept }
}

/** Why a run has failed; undefined where it has not. */
function failure({ status, expects, rejects }: SeedSearch, run: Outcome): string | undefined {
  const printed = run.stdout + run.stderr
  const rejected = rejects.find(text => printed.includes(text))
  if (rejected !== undefined) return `it prints '${rejected}'`
  if (run.status !== status) return `it ends with status ${run.status}`
  const missing = expects.find(text => !printed.includes(text))
  return missing === undefined ? undefined : `it does not print '${missing}'`
}
