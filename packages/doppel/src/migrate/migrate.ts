import { randomBytes } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DoppelError } from '@doppel/base'
import type { MoveReport } from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import { call } from '../control/client.ts'
import { computerSpec, type Entries, type MachineEntry } from '../control/entries.ts'
import type { Isolation } from '../control/isolation.ts'
import { INCOMING, spawnProcess, startFailure } from '../control/start-process.ts'
import type { Incoming } from './incoming.ts'

const POLL_MS = 5
/** How long the new process may take to take orders, once the machine runs in it. */
const TAKE_OVER_MS = 10_000

/** Moves a running machine, which keeps its name and id, to a new process of this computer's. Throws `migrate.*`. */
export async function migrateLocally(
  entries: Entries,
  entry: MachineEntry,
  isolation: Exclude<Isolation, 'worker'>,
): Promise<MoveReport> {
  const { options: recorded, ...kept } = computerSpec(entry)
  if (entry.foreground) {
    const why = 'runs in the terminal that it was started from; machines of run --detach can move'
    throw new DoppelError('migrate.foreground', `${entry.name} ${why}`, { name: entry.name })
  }
  const socket = entries.pathOf(entry.id, 'control.sock')
  const { options } = (await call(socket, { op: 'options' })) as unknown as { options: Omit<RunOptions, 'env'> }
  const { ended: _, pid: _pid, pidStarted: _started, ...still } = entry
  // Ports are published once the old process has let go of them.
  const network = { ...options.network, publish: [] }
  const { command } = recorded
  const spec = { ...kept, isolation, options: { ...options, network, ...(command && { command }) } }
  const nonce = randomBytes(6).toString('hex')
  const incoming: Incoming = { entry: { ...still, spec }, claim: entries.pathOf(entry.id, `claim-${nonce}`) }
  const files = (['incoming.json', 'incoming.sock'] as const).map(file => entries.pathOf(entry.id, file))
  const [file = '', path = ''] = files
  await writeFile(file, JSON.stringify(incoming), { mode: 0o600 })
  const child = spawnProcess(entries, incoming.entry, [INCOMING])
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('exit', () => void startFailure(entries, entry).then(reject))
  })
  failed.catch(() => undefined)
  try {
    await Promise.race([isThere(path), failed])
    const report = await call(socket, { op: 'migrate', path, claim: incoming.claim })
    await takesOrders(entries, entry.id, child.pid ?? 0)
    child.removeAllListeners('exit').unref()
    return report as unknown as MoveReport
  } catch (error) {
    child.kill()
    throw error
  } finally {
    for (const each of files) await rm(each, { force: true })
  }
}

async function isThere(path: string): Promise<void> {
  while (!(await stat(path).catch(() => undefined))) await sleep(POLL_MS)
}

/** Waits until the machine's new process has taken its record over. */
async function takesOrders(entries: Entries, id: string, pid: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < TAKE_OVER_MS; waitedMs += POLL_MS) {
    if ((await entries.read(id))?.pid === pid) return
    await sleep(POLL_MS)
  }
  throw new DoppelError('migrate.lost', "the machine's new process has not taken its record over")
}
