import { resolve } from 'node:path'
import { DoppelError, formatSize } from '@doppel/base'
import { stat } from 'node:fs/promises'
import { startProcess, nowMs } from '../../control/start-process.ts'
import { Snapshot } from '../../sdk/snapshot.ts'
import type { Command, Invocation } from '../command.ts'
import {
  compareSnapshots,
  type ListedSnapshot,
  isSnapshotName,
  listSnapshots,
  removeSnapshot,
  snapshotPath,
} from '../../sdk/snapshot-store.ts'
import { ago, ask, entriesOf, JSON_FLAG, printJson, printNames, runningEntry } from '../machines.ts'
import { textTable } from '../table.ts'

const MAX_FORKS = 1000

/** `doppel snapshot`, a row each. */
export const SNAPSHOT_COMMANDS: readonly Command[] = [
  {
    name: 'snapshot create',
    summary: 'save a running machine; it goes on',
    usage: 'MACHINE NAME|FILE.snap',
    minArguments: 2,
    maxArguments: 2,
    flags: [
      { name: 'whole', summary: "all of it, not what differs from the machine's last snapshot with a name" },
      { name: 'parent', value: 'NAME|FILE', summary: 'for a file: only what differs from this one' },
      JSON_FLAG,
    ],
    examples: [
      ['doppel snapshot create web ready', 'memory, devices and disks as they are, under a name'],
      ['doppel snapshot create web /tmp/ready.snap', 'into a file'],
    ],
    async run(invocation) {
      const [machine = '', to = ''] = invocation.arguments
      const parent = invocation.value('parent')
      if (parent !== undefined && isSnapshotName(to)) {
        throw new DoppelError('cli.arguments', '--parent is for files; a named one lies over the last, or is --whole')
      }
      const where = isSnapshotName(to)
        ? { name: to, whole: invocation.has('whole') }
        : { path: resolve(to), ...(parent !== undefined && { parent: snapshotPath(parent, invocation.env) }) }
      const answer = await ask(invocation, machine, { op: 'snapshot', ...where })
      const path = String(answer['path'])
      const { size: sizeBytes } = await stat(path)
      if (invocation.has('json')) printJson(invocation, { path, sizeBytes })
      else invocation.streams.stdout(`${isSnapshotName(to) ? to : path} ${formatSize(sizeBytes)}\n`)
      return 0
    },
  },
  {
    name: 'snapshot ls',
    summary: 'list the snapshots that have a name',
    usage: '',
    minArguments: 0,
    maxArguments: 0,
    flags: [JSON_FLAG],
    examples: [['doppel snapshot ls', 'names, sizes, and what each lies over']],
    async run(invocation) {
      const all = await listSnapshots(invocation.env)
      if (invocation.has('json')) printJson(invocation, all)
      else {
        const rows = all.map(each => [
          each.name,
          each.image,
          formatSize(each.memoryBytes),
          ago(nowMs() - each.frozenMs),
          formatSize(each.sizeBytes),
          each.parent ?? '-',
        ])
        invocation.streams.stdout(textTable([['NAME', 'IMAGE', 'MEMORY', 'CREATED', 'SIZE', 'PARENT'], ...rows]))
      }
      return 0
    },
  },
  {
    name: 'snapshot tree',
    summary: 'show which snapshot lies over which',
    usage: '',
    minArguments: 0,
    maxArguments: 0,
    flags: [JSON_FLAG],
    examples: [['doppel snapshot tree', 'children are indented']],
    async run(invocation) {
      const all = await listSnapshots(invocation.env)
      const trees = treesOf(all)
      const show = ({ name, sizeBytes, children }: SnapshotTree, indent: string): void => {
        invocation.streams.stdout(`${indent}${name} ${formatSize(sizeBytes)}\n`)
        for (const child of children) show(child, `${indent}  `)
      }
      if (invocation.has('json')) printJson(invocation, trees)
      else for (const tree of trees) show(tree, '')
      return 0
    },
  },
  {
    name: 'snapshot rm',
    summary: 'remove snapshots that no other lies over',
    usage: 'NAME…',
    minArguments: 1,
    maxArguments: 1000,
    flags: [JSON_FLAG],
    examples: [['doppel snapshot rm ready', 'machines that were restored from it go on']],
    async run(invocation) {
      for (const name of invocation.arguments) {
        await removeSnapshot(name, invocation.env)
      }
      printNames(invocation, invocation.arguments)
      return 0
    },
  },
  {
    name: 'snapshot diff',
    summary: 'tell how much of memory and disks differs between two snapshots',
    usage: 'NAME|FILE NAME|FILE',
    minArguments: 2,
    maxArguments: 2,
    flags: [JSON_FLAG],
    examples: [['doppel snapshot diff ready later', 'pages and bytes, for memory and each disk']],
    async run(invocation) {
      const [before = '', after = ''] = invocation.arguments.map(name => snapshotPath(name, invocation.env))
      const all = compareSnapshots(before, after)
      if (invocation.has('json')) printJson(invocation, all)
      else {
        const rows = all.map(({ space, pages, bytes }) => [space, String(pages), formatSize(bytes)])
        invocation.streams.stdout(textTable([['WHAT', 'PAGES', 'SIZE'], ...rows]))
      }
      return await Promise.resolve(0)
    },
  },
]

/** A snapshot with those that lie over it. */
interface SnapshotTree extends ListedSnapshot {
  readonly children: readonly SnapshotTree[]
}

/** One whose parent has no name here is a root. */
function treesOf(all: readonly ListedSnapshot[]): readonly SnapshotTree[] {
  const known = new Set(all.map(({ name }) => name))
  const above = ({ parent }: ListedSnapshot): string | undefined =>
    parent !== undefined && known.has(parent) ? parent : undefined
  const over = (parent: string | undefined): readonly SnapshotTree[] =>
    all.filter(each => above(each) === parent).map(each => ({ ...each, children: over(each.name) }))
  return over(undefined)
}

/** `doppel restore`. */
export const restoreCommand: Command = {
  name: 'restore',
  summary: 'start a machine from a snapshot',
  usage: '[--name NAME] SNAPSHOT|FILE',
  minArguments: 1,
  maxArguments: 1,
  flags: [
    { name: 'name', value: 'NAME', summary: 'what to call it' },
    { name: 'rm', summary: 'forget it when it has ended' },
    JSON_FLAG,
  ],
  examples: [['doppel restore --name web2 ready', 'go on where the snapshot was taken']],
  async run(invocation) {
    const path = snapshotPath(invocation.arguments[0] ?? '', invocation.env)
    const { id } = await restored(invocation, path, invocation.value('name'))
    printNames(invocation, [id])
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
  flags: [{ name: 'count', short: 'n', value: 'COUNT', summary: 'how many (1)' }, JSON_FLAG],
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
    const ids: string[] = []
    for (let i = 0; i < count; i++) ids.push((await restored(invocation, path, undefined)).id)
    printNames(invocation, ids)
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
