import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { stateOf } from '../../control/entries.ts'
import type { Command } from '../command.ts'
import { entriesOf } from '../machines.ts'

const PIECE_BYTES = 65_536
/** A changed file is told of at once; this is for file systems that tell nothing, and to see the machine's end. */
const LOOK_MS = 500

/** `doppel logs`: what a machine's command, or its console, printed. */
export const logsCommand: Command = {
  name: 'logs',
  summary: "show what a machine's command has printed, or its console",
  usage: '[--follow] MACHINE',
  minArguments: 1,
  maxArguments: 1,
  flags: [{ name: 'follow', short: 'f', summary: 'go on until the machine ends' }],
  examples: [['doppel logs -f web', 'watch it']],
  async run(invocation) {
    const entries = entriesOf(invocation)
    const { id } = await entries.find(invocation.arguments[0] ?? '')
    const path = entries.pathOf(id, 'console.log')
    // A machine that has printed nothing has no log.
    const file = await open(path, 'a+', 0o600)
    try {
      let at = 0
      const copy = async (): Promise<void> => {
        for (;;) {
          const { bytesRead, buffer } = await file.read(new Uint8Array(PIECE_BYTES), 0, PIECE_BYTES, at)
          if (bytesRead === 0) return
          at += bytesRead
          process.stdout.write(buffer.subarray(0, bytesRead))
        }
      }
      await copy()
      while (invocation.has('follow')) {
        const entry = await entries.read(id)
        if (!entry || stateOf(entry) !== 'running') break
        await new Promise<void>(done => {
          const watcher = watch(path, () => finish())
          const timer = setTimeout(() => finish(), LOOK_MS)
          const finish = (): void => {
            clearTimeout(timer)
            watcher.close()
            done()
          }
        })
        await copy()
      }
      await copy()
    } finally {
      await file.close()
    }
    return 0
  },
}
