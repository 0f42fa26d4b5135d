import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DoppelError } from '@doppel/base'
import {
  type CommandStarter,
  type CpuLimits,
  GuestCommands,
  GuestFiles,
  type HartStack,
  type MoveReport,
  type ProcessEnd,
  type RunningCommand,
  type StartRequest,
} from '@doppel/monitor'
import { call, type CallLine } from '../control/client.ts'
import {
  computerSpec,
  type ComputerSpec,
  Entries,
  imageName,
  type MachineEntry,
  runtimeFolder,
  stateOf,
} from '../control/entries.ts'
import type { Isolation } from '../control/isolation.ts'
import { nowMs, startProcess } from '../control/start-process.ts'
import { stateOfRunning } from '../control/state.ts'
import type { RunOptions } from '../cli/run-options.ts'
import { migrateLocally } from '../migrate/migrate.ts'
import { GuestPtys } from '../guest/pty.ts'
import { limitsMessage } from './limits.ts'
import { restoredStacks } from '../run/saved-stacks.ts'
import type { SymbolFile } from '../run/symbols.ts'
import type { MachineMetrics } from './machine-metrics.ts'
import type { MachineLimits } from './options.ts'
import { Snapshot } from './snapshot.ts'

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
export class RemoteMachine implements AsyncDisposable {
  readonly id: string
  readonly name: string
  readonly commands: GuestCommands
  readonly files: GuestFiles
  /** Terminals in the guest. */
  readonly pty: GuestPtys
  readonly #entries: Entries
  readonly #entry: MachineEntry
  readonly #socket: string
  /** How it ended, for a machine that this program owns: it ends with it. */
  #owned: Promise<Readonly<Record<string, unknown>>> | undefined

  private constructor(entries: Entries, entry: MachineEntry) {
    this.id = entry.id
    this.name = entry.name
    this.#entries = entries
    this.#entry = entry
    const socket = entries.pathOf(entry.id, 'control.sock')
    this.#socket = socket
    const starter = new RemoteStarter(socket)
    this.commands = new GuestCommands(starter)
    this.files = new GuestFiles(starter)
    this.pty = new GuestPtys(starter, this.commands, this.files)
  }

  /** Starts a machine in a thread or process of its own, which ends with this program. Throws what its start throws. */
  static async start(
    options: RunOptions,
    isolation: Isolation,
    { snapshot, limits }: { readonly snapshot?: string; readonly limits?: CpuLimits } = {},
  ): Promise<RemoteMachine> {
    const entries = new Entries(runtimeFolder(process.env))
    const { env: _, ...kept } = { ...options, ...limits }
    const spec: ComputerSpec = { options: kept, isolation, snapshot, remove: true }
    const entry = await startProcess(entries, await entries.create(spec, imageName(kept), nowMs()))
    const machine = new RemoteMachine(entries, entry)
    await machine.#own()
    return machine
  }

  /** The machine with this name, id or beginning of an id. Throws `machine.not-found`, `machine.state`. */
  static async connect(which: string): Promise<RemoteMachine> {
    const entries = new Entries(runtimeFolder(process.env))
    const entry = await entries.find(which)
    const state = stateOf(entry)
    if (state !== 'running') throw new DoppelError('machine.state', `${entry.name} is ${state}; expected one that runs`)
    return new RemoteMachine(entries, entry)
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

  /** Resolves when no hart runs; the guest's clock stands still until `resume`. Throws `machine.state`. */
  async pause(): Promise<void> {
    await this.#ask({ op: 'pause' })
  }
  async resume(): Promise<void> {
    await this.#ask({ op: 'resume' })
  }
  /** Asks the guest to power itself off, and ends it when it has not after `graceMs`. */
  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#ask({ op: 'stop', ...options })
  }
  /** Ends the machine at once. */
  async kill(): Promise<void> {
    await this.#ask({ op: 'kill' })
  }
  /** Resolves with how the machine ended; `lost` when its process went away without a word. */
  async wait(): Promise<{ readonly kind: string }> {
    try {
      const { kind } = (await this.#owned) ?? (await this.#ask({ op: 'wait' }))
      return { kind: String(kind) }
    } catch (error) {
      if (error instanceof DoppelError && error.code.startsWith('control.')) return { kind: 'lost' }
      throw error
    }
  }
  /** Changes what the machine may have, as far as it is named. Throws `limits.*`, `net.none`. */
  async setLimits(limits: MachineLimits): Promise<void> {
    await this.#ask(limitsMessage(limits))
  }
  /** Where on this computer a TCP port of the guest's is reached: `127.0.0.1:PORT`. Throws `net.none`, `net.listen`. */
  async getHost(guestPort: number): Promise<string> {
    return String((await this.#ask({ op: 'publish', guestPort }))['host'])
  }
  async getMetrics(): Promise<MachineMetrics> {
    const { instructions, ports: _, ...known } = await this.#ask({ op: 'inspect' })
    return { ...(known as unknown as Omit<MachineMetrics, 'instructions'>), instructions: BigInt(String(instructions)) }
  }
  /** Where each hart is and how it came there, as `Machine.views.stacks` tells. Throws `symbols.*`. */
  async stacks({ symbols }: { readonly symbols?: readonly SymbolFile[] } = {}): Promise<HartStack[]> {
    const files = symbols?.map(({ path, offset }) => resolve(path) + (offset === undefined ? '' : `@${offset}`))
    return restoredStacks((await this.#ask({ op: 'stacks', ...(files && { symbols: files }) }))['stacks'])
  }
  /** A snapshot with a name, as `Machine.createSnapshot` makes it. Throws `snapshot.*`. */
  async createSnapshot(name: string, { isWhole = false }: { readonly isWhole?: boolean } = {}): Promise<Snapshot> {
    await this.#ask({ op: 'snapshot', name, whole: isWhole })
    return Snapshot.open(name)
  }
  /** Writes a snapshot to a file, for `Snapshot.open`; the machine goes on. */
  async saveSnapshot(path: string): Promise<void> {
    await this.#ask({ op: 'snapshot', path: resolve(path) })
  }
  /**
   * Moves it to a new process, where it goes on; kept apart as it was, or as `isolation` says. Says how long it stood still.
   * Throws `migrate.*`; it then goes on where it was.
   */
  async migrate({ isolation }: { readonly isolation?: 'process' | 'jailed' } = {}): Promise<MoveReport> {
    const level = isolation ?? (computerSpec(this.#entry).isolation === 'jailed' ? 'jailed' : 'process')
    const report = await migrateLocally(this.#entries, this.#entry, level)
    if (this.#owned) await this.#own()
    return report
  }
  /** Machines that go on from where this one stands, each kept apart as this one is. Throws `snapshot.*`. */
  async fork({ count = 1 }: { readonly count?: number } = {}): Promise<RemoteMachine[]> {
    const path = this.#entries.pathOf(this.id, 'fork.snap')
    await this.saveSnapshot(path)
    const { options, isolation = 'process' } = computerSpec(this.#entry)
    const forks: RemoteMachine[] = []
    try {
      for (let i = 0; i < count; i++) {
        forks.push(await RemoteMachine.start({ ...options, env: process.env }, isolation, { snapshot: path }))
      }
      return forks
    } catch (error) {
      for (const fork of forks) await fork.kill()
      throw error
    } finally {
      // Those that were started have it open.
      await rm(path, { force: true })
    }
  }

  /** Ends a machine that this program owns; leaves one that it only connected to. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#owned) return
    await this.kill().catch((error: unknown) => {
      // One that has ended is what was asked for.
      if (!(error instanceof DoppelError && error.code.startsWith('control.'))) throw error
    })
  }

  /** Ties the machine to this program: its process ends the machine when the connection does. */
  async #own(): Promise<void> {
    const held = Promise.withResolvers<void>()
    this.#owned = call(this.#socket, { op: 'hold' }, { onEvent: () => held.resolve() })
    this.#owned.catch(held.reject)
    await held.promise
  }
  async #ask(message: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    return await call(this.#socket, message)
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
