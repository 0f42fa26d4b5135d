import { DoppelError } from '@doppel/base'
import {
  type CommandStarter,
  type CpuLimits,
  GuestCommands,
  GuestFiles,
  type ProcessEnd,
  type RunningCommand,
  type StartRequest,
} from '@doppel/monitor'
import { call, type CallLine } from '../control/client.ts'
import { Entries, type MachineEntry, runtimeFolder, stateOf } from '../control/entries.ts'
import { stateOfRunning } from '../control/state.ts'

/** A machine of this user's, as `RemoteMachine.list` tells it. */
export interface ListedMachine {
  readonly id: string
  readonly name: string
  readonly image: string
  /** `dead`: its process was killed, and only its record is there. */
  readonly state: 'created' | 'running' | 'paused' | 'exited' | 'dead'
  readonly createdMs: number
}

/** A machine that runs in a process of its own, as `doppel run -d` starts them. */
export class RemoteMachine {
  readonly id: string
  readonly name: string
  readonly commands: GuestCommands
  readonly files: GuestFiles
  readonly #socket: string

  private constructor(entry: MachineEntry, socket: string) {
    this.id = entry.id
    this.name = entry.name
    this.#socket = socket
    const starter = new RemoteStarter(socket)
    this.commands = new GuestCommands(starter)
    this.files = new GuestFiles(starter)
  }

  /** The machine with this name, id or beginning of an id. Throws `machine.not-found`, `machine.state`. */
  static async connect(which: string): Promise<RemoteMachine> {
    const entries = new Entries(runtimeFolder(process.env))
    const entry = await entries.find(which)
    const state = stateOf(entry)
    if (state !== 'running') throw new DoppelError('machine.state', `${entry.name} is ${state}; expected one that runs`)
    return new RemoteMachine(entry, entries.pathOf(entry.id, 'control.sock'))
  }
  /** Every machine of this user's that has a process of its own. */
  static async list(): Promise<ListedMachine[]> {
    const entries = new Entries(runtimeFolder(process.env))
    return await Promise.all(
      (await entries.all()).map(async entry => {
        const { id, name, image, createdMs } = entry
        return { id, name, image, createdMs, state: await stateOfRunning(entries, entry) }
      }),
    )
  }

  async pause(): Promise<void> {
    await this.#ask({ op: 'pause' })
  }
  async resume(): Promise<void> {
    await this.#ask({ op: 'resume' })
  }
  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#ask({ op: 'stop', ...options })
  }
  async kill(): Promise<void> {
    await this.#ask({ op: 'kill' })
  }
  async setLimits(limits: CpuLimits): Promise<void> {
    await this.#ask({ op: 'set', ...limits })
  }
  /** Writes a snapshot to a file, for `Snapshot.open`; the machine goes on. */
  async saveSnapshot(path: string): Promise<void> {
    await this.#ask({ op: 'snapshot', path })
  }

  async #ask(message: Readonly<Record<string, unknown>>): Promise<void> {
    await call(this.#socket, message)
  }
}

/** Starts commands through a machine's process. */
class RemoteStarter implements CommandStarter {
  readonly #socket: string

  constructor(socket: string) {
    this.#socket = socket
  }

  async start({ code, cwd, user, stdin, onStdout, onStderr }: StartRequest): Promise<RunningCommand> {
    const started = Promise.withResolvers<number>()
    const connected = Promise.withResolvers<CallLine>()
    const message = { op: 'exec', code, cwd, user, stdin: stdin === true, events: true }
    const ended = call(this.#socket, message, {
      ...(onStdout && { onOutput: onStdout }),
      ...(onStderr && { onErrors: onStderr }),
      onEvent: event => started.resolve(Number(event['pid'])),
      input: connected.resolve,
    }).then((answer): ProcessEnd => ({ exitCode: Number(answer['exitCode']) }))
    ended.catch(started.reject)
    const pid = await started.promise
    const line = await connected.promise
    const needInput = (): void => {
      if (!stdin) throw new DoppelError('commands.stdin', 'this command was started without input')
    }
    return {
      pid,
      wait: () => ended,
      sendStdin: async bytes => {
        needInput()
        await line.send(bytes)
      },
      closeStdin: () => {
        needInput()
        void line.send(undefined)
      },
      kill: (signal = 'KILL') => line.say({ signal }),
      holdOutput: isHeld => line.hold(isHeld),
    }
  }
}
