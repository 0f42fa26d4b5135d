import type { CpuLimits, MachineState } from '@doppel/monitor'

/** What a machine has done and holds, and the limits it is under. */
export interface MachineMetrics extends Required<CpuLimits> {
  readonly state: MachineState
  /** Instructions retired by all harts. */
  readonly instructions: bigint
  /** Milliseconds since it was made. */
  readonly uptimeMs: number
  /** Milliseconds of processor time that its turns have taken; of the thread that it shares, not of threads of its own. */
  readonly cpuMs: number
  /** RAM that the guest holds: what it has touched and not given back. */
  readonly memoryBytes: number
  /** What it is to make do with. */
  readonly memoryLimitBytes: number
  /** What it has given of the difference to what it was made with. */
  readonly balloonBytes: number
  readonly cpus: number
}
