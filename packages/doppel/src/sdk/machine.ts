import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DoppelError } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import {
  Console,
  GdbSession,
  GuestCommands,
  GuestFiles,
  MachineLife,
  type MachineState,
  type MigrationLine,
  type MoveReport,
} from '@doppel/monitor'
import type { RunOptions } from '../cli/run-options.ts'
import { imageName } from '../control/entries.ts'
import { GuestPtys } from '../guest/pty.ts'
import { bootFiles } from '../run/boot-files.ts'
import { prepareImage } from '../run/images.ts'
import { attachGuestDebugger, type OpenGuestDebugger } from '../guest-debug/guest-debugger.ts'
import { takeDebugged } from '../run/gdb.ts'
import { hasAgent, type RunningMachine, runningMachine } from '../run/machine.ts'
import { POWER_OFF } from '../run/power-off.ts'
import { Network, type PublishedPort } from '../run/network.ts'
import { freshMachineId, freshNonce } from '../run/nonce.ts'
import { type Handover, type MovedState, moveMachine } from '../migrate/moving.ts'
import { settle } from '../migrate/settle.ts'
import { CpuPlace } from './cpu-place.ts'
import { GuestPorts } from './guest-ports.ts'
import { freeze, type MachineSource, mendClock } from './image.ts'
import { type IsolatedOptions, type MachineLimits, type MachineOptions, runOptionsOf } from './options.ts'
import { type ListedMachine, RemoteMachine } from './remote-machine.ts'
import { Snapshot } from './snapshot.ts'
import { checkDiskRate, checkNetworkRate, memoryLimit } from './limits.ts'
import { inTime } from './in-time.ts'
import { MachineViews } from './machine-views.ts'
import { MainCommand } from './main-command.ts'
import { machineBody } from './machine-body.ts'
import { NO_AGENT, portsFor, restoredMachine } from './machine-parts.ts'
import { findStart, hasCommonStart, keepStart, prompted } from './start-snapshot.ts'
import { type MachineMetrics, metricsOf } from './machine-metrics.ts'
import { newSnapshotPath, snapshotFolder } from './snapshot-store.ts'

const DEFAULT_READY_TIMEOUT_MS = 120_000
/** How long a guest may take to power itself off. */
const STOP_GRACE_MS = 10_000
type Moved = NonNullable<Parameters<typeof restoredMachine>[3]['moved']>

/** A machine in this process: it runs while the event loop does. */
export class Machine implements AsyncDisposable {
  readonly id: string = freshNonce()
  readonly image: string
  /** Runs commands in the guest. */
  readonly commands: GuestCommands
  /** The guest's files. */
  readonly files: GuestFiles
  /** Terminals in the guest. */
  readonly pty: GuestPtys
  /** What the guest prints on its terminal, and a keyboard for it. */
  readonly console: Console
  /** What can be seen of it from outside. */
  readonly views: MachineViews
  /** What it is for, in a process of its own. */
  readonly main: MainCommand
  readonly #running: RunningMachine
  readonly #life: MachineLife<MachineEnd>
  readonly #options: RunOptions
  readonly #ports: GuestPorts
  /** What a restored machine reads its memory from, held while it lives. */
  #from: MachineSource | undefined
  readonly #place: CpuPlace
  /** The file of the last snapshot with a name that this machine goes on from. */
  #lastNamed: string | undefined
  #hasMoved = false

  private constructor(
    image: string,
    options: RunOptions,
    running: RunningMachine,
    console: Console,
    place: CpuPlace,
    from?: MachineSource,
    main: MainCommand = new MainCommand(),
  ) {
    this.main = main
    this.image = image
    this.console = console
    this.#running = running
    this.#ports = new GuestPorts(running)
    this.#options = options
    this.#from = from
    this.#place = place
    const agent = hasAgent(options) ? running.agent : NO_AGENT
    this.commands = new GuestCommands(agent)
    this.files = new GuestFiles(agent)
    this.pty = new GuestPtys(agent, this.commands, this.files)
    this.#life = new MachineLife(
      machineBody(running, async () => {
        place.leave()
        await running.close()
        await this.#from?.release()
      }),
    )
    this.views = new MachineViews(running, options, this.#life)
  }

  /**
   * Makes a machine of an image and starts it; resolves when it takes commands. It runs in this program's own thread, or
   * kept apart from it as far as `isolation` says. Throws `machine.image`, `agent.timeout`, and what options and images
   * throw; nothing is left running then.
   */
  static async create(image: string, options: IsolatedOptions): Promise<RemoteMachine>
  static async create(image: string, options?: MachineOptions): Promise<Machine>
  /** One of a program, kernel or firmware of your own. */
  static async create(options: MachineOptions & { readonly isolation?: never }): Promise<Machine>
  static async create(
    what: string | MachineOptions,
    options: MachineOptions = typeof what === 'string' ? {} : what,
  ): Promise<Machine | RemoteMachine> {
    const run = await runOptionsOf(typeof what === 'string' ? what : undefined, options)
    const { isolation } = options
    if (isolation === undefined) return await Machine.boot(imageName(run), run, options)
    if (options.network instanceof Network) {
      throw new DoppelError('net.shared', 'a network of this process is in no other: give the machine one of its own')
    }
    // Made here where it is missing: a jailed machine could not.
    return await RemoteMachine.start(await prepareImage(run, () => undefined), isolation)
  }

  /** What `create` does, with options that have been checked. One without an agent is started, and that is all. */
  static async boot(image: string, checked: RunOptions, options: MachineOptions = {}): Promise<Machine> {
    const run = await prepareImage(checked, () => undefined)
    // In a network with others it must have an address of its own, and so start itself.
    const isAlone = !(options.network instanceof Network) && run.network.name === undefined
    const start = isAlone ? await findStart(run) : undefined
    if (start) {
      try {
        // How harts run is no matter of the machine's state.
        const frozen = { ...start.frozen, options: { ...start.frozen.options, ...(run.smp && { smp: run.smp }) } }
        return await Machine.#goOn(frozen, run, { screen: start.screen, isStart: true })
      } catch (error) {
        // What another doppel left may not fit this one: the machine boots then, and leaves a start of its own.
        if (!(error instanceof DoppelError && error.code.startsWith('snapshot.'))) throw error
      }
    }
    const boot = await bootFiles(run, freshNonce(), () => undefined)
    const terminal = new Console()
    const place = new CpuPlace(run, run.smp)
    const network = options.network instanceof Network ? options.network : undefined
    const running = await runningMachine(run, boot, { ...portsFor(run, terminal), governor: place.join, network })
    const machine = Machine.around(image, run, running, terminal, place)
    machine.#life.start()
    if (!hasAgent(run)) return machine
    try {
      await running.agent.ready(options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS)
    } catch (error) {
      await machine.kill()
      throw error
    }
    if (isAlone && hasCommonStart(run)) {
      await prompted(terminal)
      await using snapshot = await machine.createSnapshot()
      await keepStart(run, Snapshot.imageOf(snapshot), terminal.output)
    }
    return machine
  }

  /** A machine that has been built, with its console and its place on the thread; `start` it. */
  static around(
    image: string,
    options: RunOptions,
    running: RunningMachine,
    terminal: Console,
    place: CpuPlace,
  ): Machine {
    return new Machine(image, options, running, terminal, place)
  }
  /** Begins to run. Throws `machine.state` unless it was just built. */
  start(): void {
    this.#life.start()
  }

  /**
   * A machine that goes on where a snapshot was taken, with randomness and a clock of its own; with `paused`, once it is
   * told to. Throws `snapshot.*`.
   */
  static async restore(snapshot: Snapshot, { paused = false }: { readonly paused?: boolean } = {}): Promise<Machine> {
    const frozen = Snapshot.imageOf(snapshot)
    frozen.retain()
    const machine = await Machine.#goOn(frozen, {}, { paused })
    if (snapshot.path !== undefined && dirname(snapshot.path) === snapshotFolder(process.env))
      machine.#lastNamed = snapshot.path
    return machine
  }

  /** Starts from a frozen machine, which it then holds; `screen` is what its console had printed. */
  static async #goOn(
    frozen: MachineSource,
    limits: ConstructorParameters<typeof CpuPlace>[0],
    how: {
      readonly screen?: Uint8Array
      readonly isStart?: boolean
      readonly paused?: boolean
      readonly moved?: Moved
    },
  ): Promise<Machine> {
    const { image, options, board, agent, pages } = frozen
    const { screen, moved } = how
    const terminal = new Console()
    if (screen) terminal.write(screen)
    const page = (number: number, into: Uint8Array): void => pages.read(number, into)
    const boot = { restored: board, page, isMoved: moved !== undefined }
    const place = new CpuPlace(limits, options.smp)
    const isStart = how.isStart ?? false
    const running = await restoredMachine(frozen, boot, terminal, { governor: place.join, isStart, moved })
    frozen.goesOn?.()
    const main = new MainCommand()
    const adopted = running.agent.takeOver(agent, moved?.main, main.output)
    if (adopted) main.take(adopted)
    mendClock(frozen, running)
    // One that moved stays who it is.
    const identity = { machineId: freshMachineId(), mac: running.network?.mac }
    if (hasAgent(options) && !moved) running.agent.setIdentity(identity)
    const machine = new Machine(image, options, running, terminal, place, frozen, main)
    if (how.paused) await machine.#life.startPaused()
    else machine.#life.start()
    return machine
  }

  /** A machine that has come over a line, standing still; `holder` is the process that it comes from. Throws `snapshot.*`. */
  static async arrive(frozen: MachineSource, state: MovedState, holder: number): Promise<Machine> {
    const { screen, limits, mac, diskRate, lastNamed, main } = state
    const machine = await Machine.#goOn(frozen, limits, { screen, paused: true, moved: { holder, mac, main } })
    machine.#running.rates.disk = diskRate
    machine.#lastNamed = lastNamed
    return machine
  }
  /**
   * Moves the machine to the other end of a line, where it goes on; here it has then ended. Throws `migrate.*`, and what the
   * other end throws: it then goes on here.
   */
  async moveTo(line: MigrationLine, handover: Handover): Promise<MoveReport> {
    const isPaused = this.state === 'paused'
    const parts = {
      image: this.image,
      options: this.#options,
      running: this.#running,
      base: this.#from?.pages,
      life: this.#life,
      rest: () => ({
        screen: this.console.output,
        limits: this.#place.limits,
        isPaused,
        lastNamed: this.#lastNamed,
        main: this.main.id,
      }),
      hasMoved: () => {
        this.#hasMoved = true
      },
    }
    return await moveMachine(parts, handover, line)
  }
  /** Takes in what a machine that has come still lacks here, once it is gone where it was: its ports, its own memory. */
  async settle(state: MovedState): Promise<void> {
    await settle(this.#running, this.#from, state)
    this.#from = undefined
  }
  /** True when it has ended here because it goes on elsewhere. */
  get hasMoved(): boolean {
    return this.#hasMoved
  }
  /** What it runs and has, as it was started. */
  get options(): Omit<RunOptions, 'env'> {
    const { env: _, ...options } = this.#options
    return options
  }

  /**
   * What a machine can later go on from, as often as wanted; this one stands still for a moment. With a name it is saved
   * too, as what differs from the last one that this machine gave a name or was restored from; with `isWhole`, by itself.
   * Throws `snapshot.*`.
   */
  async createSnapshot(name?: string, { isWhole = false }: { readonly isWhole?: boolean } = {}): Promise<Snapshot> {
    const path = name === undefined ? undefined : await newSnapshotPath(name, process.env)
    const snapshot = await this.#life.whilePaused(
      async () => new Snapshot(await freeze(this.image, this.#options, this.#running, this.#from)),
    )
    if (path === undefined) return snapshot
    const parent = isWhole || !this.#lastNamed || !existsSync(this.#lastNamed) ? undefined : this.#lastNamed
    await snapshot.save(path, { parent })
    this.#lastNamed = path
    return snapshot
  }

  /** Machines that go on from where this one stands; this one goes on too. Throws `snapshot.*`. */
  async fork({ count = 1 }: { readonly count?: number } = {}): Promise<Machine[]> {
    const snapshot = await this.createSnapshot()
    const forks: Machine[] = []
    try {
      for (let i = 0; i < count; i++) forks.push(await Machine.restore(snapshot))
      return forks
    } catch (error) {
      for (const fork of forks) await fork.kill()
      throw error
    } finally {
      await snapshot.close()
    }
  }

  /** Machines in processes of their own, as `doppel run -d` starts them. */
  static async list(): Promise<ListedMachine[]> {
    return await RemoteMachine.list()
  }
  /** One of those, by its name, its id or the beginning of its id. Throws `machine.not-found`, `machine.state`. */
  static async connect(which: string): Promise<RemoteMachine> {
    return await RemoteMachine.connect(which)
  }

  get state(): MachineState {
    return this.#life.state
  }

  /** Resolves when no hart runs; the guest's clock stands still. Throws `machine.state`. */
  async pause(): Promise<void> {
    await this.#life.pause()
  }
  /** Goes on after a pause. Throws `machine.state`. */
  async resume(): Promise<void> {
    await this.#life.resume()
  }
  /** Asks the guest to power itself off, and ends it when it has not after `graceMs`. */
  async stop({ graceMs = STOP_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    if (this.state === 'paused') await this.resume()
    if (this.state === 'running' && hasAgent(this.#options)) {
      const asked = this.commands.run(POWER_OFF, { background: true, timeoutMs: graceMs })
      // A guest that cannot even be asked is ended below.
      asked.catch(() => undefined)
      await this.wait({ timeoutMs: graceMs }).catch((error: unknown) => {
        if (!(error instanceof DoppelError && error.code === 'machine.timeout')) throw error
      })
    }
    await this.kill()
  }
  /** Ends the machine at once. Commands under way fail with `machine.ended`. */
  async kill(): Promise<void> {
    await this.#life.kill()
  }
  /** Resolves with how the machine ended. Throws `machine.timeout` when it has not within `timeoutMs`. */
  async wait({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<MachineEnd> {
    return await inTime(this.#life.wait(), timeoutMs)
  }

  /** Where on this computer a TCP port of the guest's is reached: `127.0.0.1:PORT`. Throws `net.none`, `net.port`, `net.listen`. */
  async getHost(guestPort: number): Promise<string> {
    return await this.#ports.hostOf(guestPort)
  }
  /** The guest's ports that are reachable, and where. */
  get ports(): readonly PublishedPort[] {
    return this.#ports.published
  }

  /** Stands still for a debugger: `receive` what it says by GDB's protocol, `close` when it has gone. Throws `debug.taken`, `gdb.threads`. */
  debug(send: (bytes: Uint8Array) => void): GdbSession {
    return new GdbSession(takeDebugged(this.#running), send)
  }
  /** Stands still for a debugger of its guest's source. Throws `debug.taken`, `gdb.threads`, `elf.*`, `symbols.*`. */
  async debugSource(symbols: NonNullable<RunOptions['symbols']>): Promise<OpenGuestDebugger> {
    return await attachGuestDebugger(this.#options, this.#running, symbols)
  }

  /** Changes what the machine may have, as far as it is named. Throws `limits.*`, `net.none`; then nothing has changed. */
  setLimits(limits: MachineLimits): void {
    const { memory, diskRate, networkRate } = limits
    const memoryBytes =
      memory === undefined ? undefined : memoryLimit(memory, this.#options.memoryBytes, this.#running.balloon)
    if (networkRate !== undefined) checkNetworkRate(networkRate, this.#running.network)
    if (diskRate) checkDiskRate(diskRate)
    this.#place.setLimits(limits)
    if (memoryBytes !== undefined) this.#running.balloon?.resize(this.#options.memoryBytes - memoryBytes)
    if (diskRate) this.#running.rates.disk = { ...this.#running.rates.disk, ...diskRate }
    if (networkRate !== undefined) this.#running.network?.setRate(networkRate)
  }

  /** What its process tells of it. */
  figures(): Readonly<Record<string, unknown>> {
    const metrics = this.getMetrics()
    return { ...metrics, instructions: metrics.instructions.toString(), ports: this.ports }
  }
  getMetrics(): MachineMetrics {
    return metricsOf(this.#running, this.state, this.#place, this.#options.memoryBytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
