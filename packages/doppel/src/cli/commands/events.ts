import { watch } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { type MachineEntry, stateOf } from '../../control/entries.ts'
import { nowMs } from '../../control/start-process.ts'
import type { Command } from '../command.ts'
import { entriesOf, JSON_FLAG } from '../machines.ts'

/** A record that changes is told of at once; a process that dies only shows when it is looked for. */
const LOOK_MS = 500

/** `doppel events`: what happens to machines, as it happens. */
export const eventsCommand: Command = {
  name: 'events',
  summary: 'tell what happens to machines, until interrupted',
  usage: '[--json]',
  minArguments: 0,
  maxArguments: 0,
  flags: [JSON_FLAG],
  examples: [['doppel events', 'create, start, die and destroy, a line each']],
  async run(invocation) {
    const entries = entriesOf(invocation)
    await mkdir(entries.folder, { recursive: true, mode: 0o700 })
    let known = await look()
    for (;;) {
      await changed(entries.folder)
      const now = await look()
      for (const [id, { entry, state }] of now) {
        const before = known.get(id)?.state
        if (before === undefined) tell('create', entry)
        if (state === 'running' && before !== 'running') tell('start', entry)
        if ((state === 'exited' || state === 'dead') && before !== state) tell('die', entry)
      }
      for (const [id, { entry, state }] of known) {
        if (now.has(id)) continue
        if (state === 'running') tell('die', entry)
        tell('destroy', entry)
      }
      known = now
    }

    async function look(): Promise<Map<string, { entry: MachineEntry; state: ReturnType<typeof stateOf> }>> {
      return new Map((await entries.all()).map(entry => [entry.id, { entry, state: stateOf(entry) }]))
    }
    function tell(event: string, { id, name, image, ended }: MachineEntry): void {
      const exit = event === 'die' && ended ? { exitCode: ended.exitCode } : {}
      const atMs = nowMs()
      if (invocation.has('json')) {
        invocation.streams.stdout(`${JSON.stringify({ atMs, event, id, name, image, ...exit })}\n`)
      } else {
        const status = 'exitCode' in exit ? `, exitCode=${exit.exitCode}` : ''
        invocation.streams.stdout(
          `${new Date(atMs).toISOString()} ${event} ${id} (name=${name}, image=${image}${status})\n`,
        )
      }
    }
  },
}

/** Resolves when something in the folder has changed, or a while has passed. */
async function changed(folder: string): Promise<void> {
  await new Promise<void>(done => {
    const watcher = watch(folder, { recursive: true }, () => finish())
    const timer = setTimeout(() => finish(), LOOK_MS)
    const finish = (): void => {
      clearTimeout(timer)
      watcher.close()
      done()
    }
  })
}
