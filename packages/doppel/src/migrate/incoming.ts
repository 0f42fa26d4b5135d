import { readFile, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import { receiveMachine } from '@doppel/monitor'
import { computerSpec, type Entries, type MachineEntry } from '../control/entries.ts'
import { serveUntilEnd } from '../control/machine-process.ts'
import { claimMachine } from './claim.ts'
import { machineTarget } from './arriving.ts'
import { migrationHost } from './host.ts'
import { SocketLine } from './socket-line.ts'
import { warmUp } from './warm.ts'

/** How long it waits for somebody to connect. */
const WAIT_MS = 30_000

/** What a process that waits for a machine is told, as `incoming.json` beside the machine's record. */
export interface Incoming {
  /** The machine's record as it will be. */
  readonly entry: MachineEntry
  /** The file that makes the machine this process's. */
  readonly claim: string
}

/**
 * The life of a process that a machine of this computer moves to: it waits at a socket, takes the machine, and is its
 * process from then on. Throws `migrate.*`; the machine goes on where it was then.
 */
export async function runIncomingProcess(entries: Entries, id: string): Promise<number> {
  const { entry, claim } = JSON.parse(await readFile(entries.pathOf(id, 'incoming.json'), 'utf8')) as Incoming
  const path = entries.pathOf(id, 'incoming.sock')
  await rm(path, { force: true })
  const { options } = computerSpec(entry)
  await warmUp(options)
  const socket = await oneConnection(path)
  const line = new SocketLine(socket)
  const target = machineTarget(entry.image, { ...options, env: process.env }, () => claimMachine(claim, 'target'))
  const { machine, state } = await receiveMachine(target, line, migrationHost).finally(() => line.close())
  void line.over.then(async () => {
    await machine.settle(state)
    await rm(claim, { force: true })
  })
  return await serveUntilEnd(entries, entry, machine, true)
}

/** The first who connects to a socket, which is gone afterwards. */
async function oneConnection(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy())
    resolve(socket)
  })
  server.maxConnections = 1
  server.once('error', reject)
  server.listen(path)
  const late = (): void => reject(new DoppelError('migrate.timeout', `no machine has come within ${WAIT_MS} ms`))
  const timer = setTimeout(late, WAIT_MS)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    server.close()
  }
}
