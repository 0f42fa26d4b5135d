import type { CpuLimits, MachineState } from '@doppel/monitor'
import type { RunningMachine } from '../run/machine.ts'
import type { CpuPlace } from './cpu-place.ts'

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

/** The figures of a machine that was made with so much memory. */
export function metricsOf(
  { cpu, vm, elapsedNs, balloon }: RunningMachine,
  state: MachineState,
  place: CpuPlace,
  memoryBytes: number,
): MachineMetrics {
  return {
    state,
    instructions: vm.cpu.harts.reduce((sum, hart) => sum + hart.retired, 0n),
    uptimeMs: elapsedNs() / 1e6,
    cpuMs: place.usedMs,
    memoryBytes: cpu.engine.frames.touchedBytes,
    memoryLimitBytes: memoryBytes - (balloon?.targetBytes ?? 0),
    balloonBytes: balloon?.lengthBytes ?? 0,
    cpus: cpu.harts.length,
    ...place.limits,
  }
}
