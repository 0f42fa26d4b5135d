import { DoppelError, hostClock } from '@doppel/base'
import { Console, type CpuLimits, MachineLife, type MachineState } from '@doppel/monitor'
import type { ProgramKind } from '../control/entries.ts'
import type { LifeEnd, LivingMachine } from '../control/living-machine.ts'
import { CpuPlace } from '../sdk/cpu-place.ts'
import type { MachineLimits } from '../sdk/options.ts'
import type { ProgramRun } from './program-world.ts'
import type { ProgramTurns } from './turns.ts'

/** The status of a program that was killed: 128 and SIGKILL. */
const KILLED = 137
/** How long a program may take to end by itself. */
const STOP_GRACE_MS = 10_000
const clock = hostClock()

/** What a machine for programs is made of. */
export interface ProgramParts {
  readonly kind: ProgramKind
  readonly run: ProgramRun
  readonly turns: ProgramTurns
  readonly limits: CpuLimits
  /** Absent where the program has a terminal of its own. */
  readonly console?: Console
}

/** A program that runs on a process machine, as its life is led from outside. */
export class ProgramMachine implements LivingMachine {
  readonly #parts: ProgramParts
  readonly #place: CpuPlace
  readonly #life: MachineLife<LifeEnd>
  readonly #begunNs = clock.monotonicNs()

  /** One whose program has begun. Throws `limits.*`. */
  constructor(parts: ProgramParts) {
    const { run, turns } = parts
    this.#parts = parts
    this.#place = new CpuPlace(parts.limits)
    // How many instructions a program has run nobody counts; its turns are measured by time.
    turns.govern(this.#place.join(() => 0n))
    this.#life = new MachineLife<LifeEnd>({
      run: async () => ({ kind: 'exited', code: await run.status }),
      stop: () => {
        run.end(KILLED)
        turns.finish()
      },
      pause: async () => await turns.hold(),
      resume: () => turns.release(),
      close: async () => {
        this.#place.leave()
        await Promise.resolve()
      },
    })
    this.#life.start()
  }

  get state(): MachineState {
    return this.#life.state
  }
  get console(): Console {
    if (this.#parts.console) return this.#parts.console
    throw new DoppelError('machine.kind', 'the program is at the terminal that it was started from')
  }
  figures(): Readonly<Record<string, unknown>> {
    return {
      state: this.state,
      program: this.#parts.kind,
      uptimeMs: (clock.monotonicNs() - this.#begunNs) / 1e6,
      cpuMs: this.#place.usedMs,
      memoryBytes: process.memoryUsage.rss(),
      memoryLimitBytes: this.#parts.run.memoryLimitBytes,
      cpus: 1,
      ...this.#place.limits,
      ports: [],
    }
  }
  async wait(): Promise<LifeEnd> {
    return await this.#life.wait()
  }
  async pause(): Promise<void> {
    await this.#life.pause()
  }
  async resume(): Promise<void> {
    await this.#life.resume()
  }
  async stop({ graceMs = STOP_GRACE_MS }: { readonly graceMs?: number }): Promise<void> {
    const { run } = this.#parts
    if (run.ask && this.state !== 'ended') {
      if (this.state === 'paused') await this.resume()
      const timeUp = AbortSignal.timeout(graceMs)
      const late = new Promise<void>(resolve => timeUp.addEventListener('abort', () => resolve(), { once: true }))
      run.ask()
      await Promise.race([this.wait().catch(() => undefined), late])
    }
    await this.kill()
  }
  async kill(): Promise<void> {
    await this.#life.kill()
  }
  setLimits(limits: MachineLimits): void {
    const { memory, diskRate, networkRate } = limits
    if ([memory, diskRate, networkRate].some(limit => limit !== undefined)) {
      throw new DoppelError('machine.kind', 'a program that runs has its memory, disks and network as it was started')
    }
    this.#place.setLimits(limits)
  }
}
