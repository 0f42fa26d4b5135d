import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { DoppelError } from '@doppel/base'
import { type FailedRun, searchSeeds, type SeedSearch } from '../../run/seed-search.ts'
import type { Command, Invocation } from '../command.ts'
import { readRunOptions } from '../run-options.ts'
import { RECORD_COMMANDS, recordedInvocation } from './record.ts'

const DEFAULT_SEEDS = '1000'
/** Each is a process with a machine in it. */
const MAX_JOBS = 64

/** What a run is started with: flags of `record` that are not the search's. */
const RUN_FLAGS = (RECORD_COMMANDS[0]?.flags ?? []).filter(({ name }) => !['output', 'seed', 'hash'].includes(name))

/** `doppel search`. */
export const searchCommand: Command = {
  name: 'search',
  summary: 'run a test under many seeds until one fails, and keep the recording of that run',
  usage: '[FLAGS] IMAGE|PROGRAM.elf [-- COMMAND…]',
  minArguments: 0,
  maxArguments: 1,
  takesRest: true,
  flags: [
    { name: 'seeds', value: 'N|FIRST-LAST', summary: `which seeds: 1 to N, or others (default ${DEFAULT_SEEDS})` },
    { name: 'jobs', short: 'j', value: 'N', summary: 'runs at a time (default: one for each processor)' },
    { name: 'all', summary: 'go on after the first seed that fails' },
    { name: 'status', value: 'N', summary: 'how a run ends that has not failed (default 0)' },
    { name: 'expect', value: 'TEXT', multiple: true, summary: 'a run that does not print this has failed' },
    { name: 'reject', value: 'TEXT', multiple: true, summary: 'a run that prints this has failed' },
    { name: 'output', short: 'o', value: 'FOLDER', summary: 'where recordings of failed runs go (default: here)' },
    { name: 'json', summary: 'print what was found as JSON' },
    ...RUN_FLAGS,
  ],
  examples: [
    ['doppel search --cpus 2 race.elf', 'how harts take turns depends on the seed'],
    ['doppel search --seeds 200 --faults disk-error=1/500 --reject panic debian -- make test', 'and so do faults'],
  ],
  async run(invocation) {
    const search = await readSearch(invocation)
    await mkdir(search.folder, { recursive: true })
    const { streams } = invocation
    const isJson = invocation.has('json')
    const { tried, failed } = await searchSeeds(search, run => {
      if (!isJson) streams.stdout(failedText(run))
    })
    if (isJson) {
      const found = failed.map(run => ({ ...run, replay: replayOf(run), debug: debugOf(run) }))
      streams.stdout(`${JSON.stringify({ tried, failed: found })}\n`)
    } else {
      streams.stdout(`${tried} ${tried === 1 ? 'run' : 'runs'}, ${failed.length} failed\n`)
    }
    return failed.length > 0 ? 1 : 0
  },
}

async function readSearch(invocation: Invocation): Promise<SeedSearch> {
  // What is wrong with the run is found before a thousand of them are made.
  const { disks } = await readRunOptions(recordedInvocation(invocation))
  const written = disks.find(({ mode }) => mode === 'read-write')
  if (written) {
    throw new DoppelError(
      'search.disk',
      `each run would find what others have written to ${written.path}; expected --disk FILE:overlay or FILE:ro`,
      { path: written.path },
    )
  }
  return {
    seeds: readSeeds(invocation.value('seeds') ?? DEFAULT_SEEDS),
    jobs: readNumber('jobs', invocation.value('jobs') ?? `${Math.min(availableParallelism(), MAX_JOBS)}`, 1, MAX_JOBS),
    findsAll: invocation.has('all'),
    words: runWords(invocation),
    folder: resolve(invocation.value('output') ?? '.'),
    status: readNumber('status', invocation.value('status') ?? '0', 0, 255),
    expects: invocation.values('expect'),
    rejects: invocation.values('reject'),
  }
}

/** The command line of one run. */
function runWords(invocation: Invocation): string[] {
  const flags = RUN_FLAGS.flatMap(({ name, value }) =>
    value !== undefined
      ? invocation.values(name).map(text => `--${name}=${text}`)
      : invocation.has(name)
        ? [`--${name}`]
        : [],
  )
  return [...flags, ...invocation.arguments, ...(invocation.rest ? ['--', ...invocation.rest] : [])]
}

function readSeeds(text: string): SeedSearch['seeds'] {
  const match = /^(?:(\d{1,15})-)?(\d{1,15})$/.exec(text)
  const [first, last] = [Number(match?.[1] ?? 1), Number(match?.[2] ?? 0)]
  if (!match || last < first) {
    throw new DoppelError('cli.flag-value', `--seeds is '${text}'; expected how many, or FIRST-LAST`, { value: text })
  }
  return { first, last }
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const found = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (found >= least && found <= most) return found
  throw new DoppelError('cli.flag-value', `--${flag} is '${text}'; expected a number from ${least} to ${most}`, {
    flag,
    value: text,
  })
}

const pathOf = ({ recording }: FailedRun): string => {
  const near = relative('.', recording)
  return near.startsWith('..') ? recording : near
}
const replayOf = (run: FailedRun): string => `doppel replay ${quoted(pathOf(run))}`
const debugOf = (run: FailedRun): string => `doppel replay --gdb 1234 --gdb-wait ${quoted(pathOf(run))}`
const quoted = (word: string): string => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function failedText(run: FailedRun): string {
  return `seed ${run.seed} fails: ${run.reason}\n  again:    ${replayOf(run)}\n  debugged: ${debugOf(run)}\n`
}
