import { DoppelError } from '@doppel/base'
import type { MachineEnd } from '@doppel/board'
import { Console, GuestCommands, GuestFiles, MachineLife, type MachineState } from '@doppel/monitor'
import { bootFiles } from '../run/boot-files.ts'
import { type RunningMachine, runningMachine } from '../run/machine.ts'
import { freshNonce } from '../run/nonce.ts'
import { type MachineOptions, runOptionsOf } from './options.ts'

const DEFAULT_READY_TIMEOUT_MS = 120_000
/** How long a guest may take to power itself off. */
const STOP_GRACE_MS = 10_000

/** What a machine has done and holds. */
export interface MachineMetrics {
  readonly state: MachineState
  /** Instructions retired by all harts. */
  readonly instructions: bigint
  /** Milliseconds since it was made. */
  readonly uptimeMs: number
  /** RAM that the guest has touched, and what it may have. */
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  readonly cpus: number
}

/** A machine in this process: it runs while the event loop does. */
export class Machine implements AsyncDisposable {
  readonly id: string = freshNonce()
  readonly image: string
  /** Runs commands in the guest. */
  readonly commands: GuestCommands
  /** The guest's files. */
  readonly files: GuestFiles
  /** What the guest prints on its terminal, and a keyboard for it. */
  readonly console: Console
  readonly #running: RunningMachine
  readonly #life: MachineLife<MachineEnd>
  readonly #memoryLimitBytes: number

  private constructor(image: string, running: RunningMachine, console: Console, memoryLimitBytes: number) {
    this.image = image
    this.console = console
    this.#running = running
    this.#memoryLimitBytes = memoryLimitBytes
    this.commands = new GuestCommands(running.agent)
    this.files = new GuestFiles(running.agent)
    const { vm } = running
    this.#life = new MachineLife<MachineEnd>({
      run: () => vm.run(),
      stop: () => vm.stop(),
      pause: () => vm.pause(),
      resume: () => vm.resume(),
      close: () => running.close(),
    })
  }

  /**
   * Makes a machine of an image and starts it; resolves when it takes commands. Throws `machine.image`,
   * `agent.timeout`, and what options and images throw; nothing is left running then.
   */
  static async create(image: string, options: MachineOptions = {}): Promise<Machine> {
    const run = await runOptionsOf(image, options)
    const boot = await bootFiles(run, freshNonce(), () => undefined)
    const terminal = new Console()
    const running = await runningMachine(run, boot, { uart: new Console(), consoles: [terminal] })
    const machine = new Machine(image, running, terminal, run.memoryBytes)
    machine.#life.start()
    try {
      await running.agent.ready(options.readyTimeoutMs ?? DEFAULT_READY_TIMEOUT_MS)
    } catch (error) {
      await machine.kill()
      throw error
    }
    return machine
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
    if (this.state === 'running') {
      const asked = this.commands.run('poweroff', { background: true, timeoutMs: graceMs })
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
    if (timeoutMs === undefined) return await this.#life.wait()
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new DoppelError('machine.timeout', `the machine still runs after ${timeoutMs} ms`, { timeoutMs })),
      timeoutMs,
    )
    try {
      return await Promise.race([this.#life.wait(), promise])
    } finally {
      clearTimeout(timer)
    }
  }

  getMetrics(): MachineMetrics {
    const { cpu, elapsedNs } = this.#running
    return {
      state: this.state,
      instructions: cpu.harts.reduce((sum, hart) => sum + hart.retired, 0n),
      uptimeMs: elapsedNs() / 1e6,
      memoryBytes: cpu.engine.frames.touchedBytes,
      memoryLimitBytes: this.#memoryLimitBytes,
      cpus: cpu.harts.length,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
