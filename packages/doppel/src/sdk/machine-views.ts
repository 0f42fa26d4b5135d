import type { MachineEnd } from '@doppel/board'
import type { HartStack, MachineLife } from '@doppel/monitor'
import { physicalView } from '@doppel/riscv'
import type { RunOptions } from '../cli/run-options.ts'
import type { RunningMachine } from '../run/machine.ts'
import { stacksOf } from '../run/stacks.ts'
import { guestNames, type SymbolFile } from '../run/symbols.ts'
import { Trace, type TraceOptions } from '../run/trace.ts'

/** Files with names of guest code; without them, those of what runs. A Linux kernel brings its own. */
export interface NameOptions {
  readonly symbols?: readonly SymbolFile[]
}

/** A trace under way. */
export interface RunningTrace {
  /** Resolves when there were as many events as were asked for, or the machine has ended. */
  readonly over: Promise<void>
  /** Ends it; the machine goes on. */
  end(): Promise<void>
}

/** What can be seen of a machine from outside. The guest need not answer, and does not notice. */
export class MachineViews {
  readonly #running: RunningMachine
  readonly #options: RunOptions
  readonly #life: MachineLife<MachineEnd>

  constructor(running: RunningMachine, options: RunOptions, life: MachineLife<MachineEnd>) {
    this.#running = running
    this.#options = options
    this.#life = life
  }

  /** Where each hart is, and how it came there. Throws what reading the files throws, `symbols.*`, `machine.state`. */
  async stacks(names: NameOptions = {}): Promise<HartStack[]> {
    return await this.#still(async () => stacksOf(this.#running.cpu, await this.#names(names)))
  }

  /**
   * Tells of what harts do from now on: `write` gets the text, while harts run. Throws `trace.*`, `symbols.*`,
   * `machine.state`.
   */
  async trace(options: TraceOptions & NameOptions, write: (text: string) => void): Promise<RunningTrace> {
    const { promise: reached, resolve } = Promise.withResolvers<void>()
    const ports = { write, onLimit: resolve }
    const trace = await this.#still(async () => new Trace(this.#running, await this.#names(options), options, ports))
    const over = Promise.race([
      reached,
      this.#life.wait().then(
        () => undefined,
        () => undefined,
      ),
    ])
    let ended: Promise<void> | undefined
    const end = async (): Promise<void> => {
      if (this.#life.state === 'ended') trace.end()
      else await this.#still(() => Promise.resolve(trace.end()))
    }
    return { over, end: () => (ended ??= end()) }
  }

  async #names({ symbols }: NameOptions): ReturnType<typeof guestNames> {
    return await guestNames({ ...this.#options, ...(symbols && { symbols }) }, physicalView(this.#running.cpu))
  }
  async #still<T>(look: () => Promise<T>): Promise<T> {
    return await this.#life.whilePaused(look)
  }
}
