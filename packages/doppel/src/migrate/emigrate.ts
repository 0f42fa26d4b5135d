import { connect, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import type { MoveReport } from '@doppel/monitor'
import type { Door } from '../control/operation.ts'
import type { Machine } from '../sdk/machine.ts'
import { claimMachine } from './claim.ts'
import { SocketLine } from './socket-line.ts'

/** Where a machine is to go: a process of this computer's that waits at a socket; whoever makes `claim` has it. */
export interface Destination {
  readonly path: string
  readonly claim: string
}

/** Reads a control message's. Throws `control.message`. */
export function readDestination({ path, claim }: Readonly<Record<string, unknown>>): Destination {
  if (typeof path === 'string' && typeof claim === 'string') return { path, claim }
  throw new DoppelError('control.message', "'path' and 'claim' must be texts")
}

/** Moves a machine of this process to another, while its control socket passes to that. Throws `migrate.*`. */
export async function emigrate(machine: Machine, { path, claim }: Destination, door: Door): Promise<MoveReport> {
  const socket = await connected(path)
  const line = new SocketLine(socket)
  try {
    return await machine.moveTo(line, {
      withdraw: () => door.close(),
      readmit: () => door.open(),
      isTaken: async () => !(await claimMachine(claim, 'source')),
    })
  } finally {
    line.close()
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      reject(new DoppelError('migrate.unreachable', `nobody waits at ${path} (${error.code})`, { path })),
    )
  })
}
