import { resolve } from 'node:path'
import { formatSize } from '@doppel/base'
import { stat } from 'node:fs/promises'
import { startProcess, nowMs } from '../../control/machine-process.ts'
import { Snapshot } from '../../sdk/snapshot.ts'
import type { Command, Invocation } from '../command.ts'
import { DoppelError } from '@doppel/base'
import { ask, entriesOf, runningEntry } from '../machines.ts'

const MAX_FORKS = 1000

/** `doppel snapshot`. */
export const snapshotCommand: Command = {
  name: 'snapshot create',
  summary: 'save a running machine to a file; it goes on',
  usage: 'MACHINE FILE',
  minArguments: 2,
  maxArguments: 2,
  flags: [],
  examples: [['doppel snapshot create web ready.snap', 'memory, registers and devices as they are']],
  async run(invocation) {
    const path = resolve(invocation.arguments[1] ?? '')
    await ask(invocation, invocation.arguments[0] ?? '', { op: 'snapshot', path })
    invocation.streams.stdout(`${path} ${formatSize((await stat(path)).size)}\n`)
    return 0
  },
}

/** `doppel restore`. */
export const restoreCommand: Command = {
  name: 'restore',
  summary: 'start a machine from a snapshot file',
  usage: '[--name NAME] FILE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'name', value: 'NAME', summary: 'what to call it' },
    { name: 'rm', summary: 'forget it when it has ended' },
  ],
  examples: [['doppel restore --name web2 ready.snap', 'go on where the snapshot was taken']],
  async run(invocation) {
    const path = resolve(invocation.arguments[0] ?? '')
    const { id } = await restored(invocation, path, invocation.value('name'))
    invocation.streams.stdout(`${id}\n`)
    return 0
  },
}

/** `doppel fork`. */
export const forkCommand: Command = {
  name: 'fork',
  summary: 'start machines that go on from where one stands',
  usage: '[-n COUNT] MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [{ name: 'count', short: 'n', value: 'COUNT', summary: 'how many (1)' }],
  examples: [['doppel fork -n 3 web', 'three clones of it']],
  async run(invocation) {
    const text = invocation.value('count') ?? '1'
    const count = /^\d+$/.test(text) ? Number(text) : 0
    if (count < 1 || count > MAX_FORKS) {
      throw new DoppelError('cli.flag-value', `--count is '${text}'; expected 1 to ${MAX_FORKS}`)
    }
    const entry = await runningEntry(invocation, invocation.arguments[0] ?? '')
    const path = entriesOf(invocation).pathOf(entry.id, 'fork.snap')
    await ask(invocation, entry.id, { op: 'snapshot', path })
    for (let i = 0; i < count; i++) invocation.streams.stdout(`${(await restored(invocation, path, undefined)).id}\n`)
    return 0
  },
}

async function restored(
  invocation: Invocation,
  path: string,
  name: string | undefined,
): Promise<{ readonly id: string }> {
  const snapshot = Snapshot.open(path)
  const { image, options } = snapshot.description
  await snapshot.close()
  const entries = entriesOf(invocation)
  const spec = { options, snapshot: path, remove: invocation.has('rm') }
  return await startProcess(entries, await entries.create(spec, image, nowMs(), name))
}
