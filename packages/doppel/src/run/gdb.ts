import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { DoppelError } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import { type DebuggedMachine, GdbRefusal, GdbSession } from '@doppel/monitor'
import { RiscvDebug } from '@doppel/riscv'
import { gdbCommands } from './gdb-commands.ts'
import type { RunningMachine } from './machine.ts'
import { timeTravel } from './time-travel.ts'

/** Where debuggers are listened for. */
export interface GdbAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** The guest begins when a debugger says so. */
  readonly waits: boolean
}

/** Debuggers may connect to a machine, one at a time. */
export interface GdbServer {
  readonly port: number
  /** Tells a debugger that is there how the machine has ended, and listens no more. */
  close(end?: MachineEnd): void
}

const DEFAULT_PORT = 1234
/** A recording holds input only: what a debugger wrote would be missing when it is replayed. */
const SEALED = 'nothing can be written to a recorded machine or a replay; expected a machine that is not recorded'

/** Reads `[HOST:]PORT`. Undefined for what is none. */
export function readGdbAddress(text: string): Omit<GdbAddress, 'waits'> | undefined {
  const match = /^(?:(.*):)?(\d{0,5})$/.exec(text)
  const port = match?.[2] === '' ? DEFAULT_PORT : Number(match?.[2] ?? NaN)
  return port <= 0xffff ? { host: match?.[1]?.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1', port } : undefined
}

/** Takes a machine's place for a debugger, until the debugger leaves. Throws `debug.taken`, and `gdb.threads` for harts on threads of their own. */
export function takeDebugged(running: RunningMachine): DebuggedMachine {
  return running.debuggers.take(() => debuggedMachine(running))
}

function debuggedMachine(running: RunningMachine): DebuggedMachine {
  const { vm, cpu, threads, isDeterministic, isRecorded, timeline } = running
  if (threads) throw new DoppelError('gdb.threads', 'a debugger needs harts that take turns; leave out --smp parallel')
  const target = new RiscvDebug(cpu, { isDeterministic })
  const life = {
    pause: () => vm.pause(),
    resume: () => {
      vm.resume()
      timeline?.letEnd()
    },
  }
  const travel = timeline && timeTravel(timeline, vm, target, life, running.overlays)
  return {
    target,
    ...life,
    ...(travel && { travel }),
    ...(isRecorded && { sealed: SEALED }),
    kill: () => {
      vm.stop()
      timeline?.letEnd()
    },
    monitor: gdbCommands({ running, target, travel }),
  }
}

/** Serves GDB's remote protocol for a machine that does not run yet. Throws `gdb.threads`, and `gdb.listen` for an address that cannot be had. */
export async function serveGdb(running: RunningMachine, address: GdbAddress): Promise<GdbServer> {
  running.debuggers.prepare(() => debuggedMachine(running))
  let current: { readonly session: GdbSession; readonly socket: Socket } | undefined
  /** Resolves when the debugger before has left. */
  let left = Promise.resolve()
  const begin = (socket: Socket): void => {
    const send = (bytes: Uint8Array): void => void (socket.writable && socket.write(bytes))
    const machine = takeOrRefuse(running, socket, send)
    if (!machine) return
    const session = new GdbSession(machine, send)
    const mine = (current = { session, socket })
    if (running.timeline?.isReplay) running.timeline.onEnd = () => session.reachedEnd()
    socket.on('data', (bytes: Uint8Array) => session.receive(bytes))
    socket.on('close', () => {
      session.close()
      left = session.settled()
      if (current !== mine) return
      current = undefined
      if (running.timeline) running.timeline.onEnd = undefined
    })
  }
  const server = createServer(socket => {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    void left.then(() => (socket.destroyed ? undefined : begin(socket)))
  })
  const port = await listenAt(server, address)
  if (address.waits) await running.vm.pause()
  return {
    port,
    close: end => {
      server.close()
      if (!current) return
      current.session.ended(end?.kind === 'failure' ? end.code : 0)
      current.socket.end()
    },
  }
}

/** The machine; undefined where another debugger has it, and this one is told so. */
function takeOrRefuse(
  running: RunningMachine,
  socket: Socket,
  send: (bytes: Uint8Array) => void,
): DebuggedMachine | undefined {
  try {
    return takeDebugged(running)
  } catch (error) {
    if (!(error instanceof DoppelError)) throw error
    const refusal = new GdbRefusal(`${error.message} [${error.code}]`, send)
    socket.on('data', (bytes: Uint8Array) => refusal.receive(bytes))
    // The machine's process does not stay for it.
    socket.unref()
    return undefined
  }
}

/** Listens for debuggers; returns the port. Throws `gdb.listen`. */
export async function listenAt(server: Server, { host, port }: Omit<GdbAddress, 'waits'>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', error => {
    reject(new DoppelError('gdb.listen', `no debugger can connect to ${host}:${port}: ${error.message}`, {}, error))
  })
  server.listen(port, host, resolve)
  await promise
  return (server.address() as AddressInfo).port
}
