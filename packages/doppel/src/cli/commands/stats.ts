import { setTimeout as sleep } from 'node:timers/promises'
import { formatSize } from '@doppel/base'
import { stateOf } from '../../control/entries.ts'
import type { Command, Invocation } from '../command.ts'
import { ask, entriesOf, JSON_FLAG, printJson } from '../machines.ts'
import { textTable } from '../table.ts'

const INTERVAL_MS = 1000

/** `doppel stats`: how fast machines run and what they hold. */
export const statsCommand: Command = {
  name: 'stats',
  summary: 'show how fast machines run and what memory they hold',
  usage: '[--no-stream] [MACHINE…]',
  minArguments: 0,
  maxArguments: 100,
  flags: [{ name: 'no-stream', summary: 'measure for one second, and end' }, JSON_FLAG],
  examples: [
    ['doppel stats', 'all that run, again and again'],
    ['doppel stats --no-stream web', 'one, over one second'],
  ],
  async run(invocation) {
    for (;;) {
      const rows = await measure(invocation)
      if (invocation.has('json')) printJson(invocation, rows)
      else {
        invocation.streams.stdout(
          textTable([
            ['NAME', 'STATE', 'CPU', 'MIPS', 'MEMORY', 'LIMIT', 'CPUS'],
            ...rows.map(row => [
              row.name,
              row.state,
              `${(row.cpuFraction * 100).toFixed(0)} %`,
              row.millionInstructionsPerSecond?.toFixed(1) ?? '-',
              formatSize(row.memoryBytes),
              formatSize(row.memoryLimitBytes),
              String(row.cpus),
            ]),
          ]),
        )
      }
      if (invocation.has('no-stream')) return 0
    }
  },
}

type Figures = Readonly<Record<string, unknown>>

interface Row {
  readonly name: string
  readonly state: string
  /** Of one processor. */
  readonly cpuFraction: number
  /** Absent for programs, whose instructions nobody counts. */
  readonly millionInstructionsPerSecond?: number
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  readonly cpus: number
}

/** Two looks at each machine, a second apart. A machine that ends meanwhile is left out. */
async function measure(invocation: Invocation): Promise<Row[]> {
  const entries = entriesOf(invocation)
  const named = await Promise.all(invocation.arguments.map(which => entries.find(which)))
  const shown = named.length > 0 ? named : (await entries.all()).filter(entry => stateOf(entry) === 'running')
  const look = async (id: string): Promise<Figures | undefined> =>
    await ask(invocation, id, { op: 'inspect' }).catch(() => undefined)
  const before = await Promise.all(shown.map(({ id }) => look(id)))
  const beganMs = performance.now()
  await sleep(INTERVAL_MS)
  const after = await Promise.all(shown.map(({ id }) => look(id)))
  const seconds = (performance.now() - beganMs) / 1000
  return shown.flatMap(({ name }, i) => {
    const [first, last] = [before[i], after[i]]
    if (!first || !last) return []
    const count = (figures: Figures): bigint | undefined =>
      typeof figures['instructions'] === 'string' ? BigInt(figures['instructions']) : undefined
    const [from, to] = [count(first), count(last)]
    return {
      name,
      state: String(last['state']),
      cpuFraction: (Number(last['cpuMs']) - Number(first['cpuMs'])) / 1000 / seconds,
      ...(from !== undefined &&
        to !== undefined && { millionInstructionsPerSecond: Number(to - from) / seconds / 1e6 }),
      memoryBytes: Number(last['memoryBytes']),
      memoryLimitBytes: Number(last['memoryLimitBytes']),
      cpus: Number(last['cpus']),
    }
  })
}
