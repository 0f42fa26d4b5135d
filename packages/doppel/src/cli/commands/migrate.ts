import { formatSize } from '@doppel/base'
import { computerSpec } from '../../control/entries.ts'
import { readIsolation } from '../../control/isolation.ts'
import { migrateLocally } from '../../migrate/migrate.ts'
import type { Command } from '../command.ts'
import { entriesOf, JSON_FLAG, printJson, runningEntry } from '../machines.ts'

/** `doppel migrate`. */
export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'move a running machine to a new process; it keeps its name and goes on',
  usage: '[--isolation LEVEL] MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [{ name: 'isolation', value: 'LEVEL', summary: 'process or jailed; as it was when not given' }, JSON_FLAG],
  examples: [
    ['doppel migrate web', 'into a process of the doppel that is installed now'],
    ['doppel migrate --isolation jailed web', 'into one that reaches no files but its own'],
  ],
  async run(invocation) {
    const entry = await runningEntry(invocation, invocation.arguments[0] ?? '')
    const level = invocation.value('isolation')
    const isolation = level === undefined ? computerSpec(entry).isolation : readIsolation(level, ['process', 'jailed'])
    const report = await migrateLocally(entriesOf(invocation), entry, isolation === 'jailed' ? 'jailed' : 'process')
    const { downMs, totalMs, rounds, bytes } = report
    if (invocation.has('json')) printJson(invocation, { id: entry.id, name: entry.name, ...report })
    else {
      const how = `stood still for ${downMs.toFixed(1)} ms of ${totalMs.toFixed(0)}`
      const what = `${formatSize(bytes)} in ${rounds} round${rounds === 1 ? '' : 's'}`
      invocation.streams.stdout(`${entry.name} ${how}; ${what}\n`)
    }
    return 0
  },
}
