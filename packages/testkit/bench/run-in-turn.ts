import { DoppelError } from '@doppel/base'
import type { Benchmark, Emulator, Measurement, MemoryUse } from './benchmark.ts'
import type { Samples } from './table.ts'

/**
 * Runs a benchmark in doppel, in QEMU, in doppel…, so that both meet the same weather on a busy host. Throws
 * `bench.checksum` when the guest does not compute the same everywhere: one of the emulators is wrong.
 */
export async function runInTurn(benchmark: Benchmark, rounds: number, note: (text: string) => void): Promise<Samples> {
  const { name, stresses } = benchmark
  const seconds: Record<Emulator, number[]> = { doppel: [], qemu: [] }
  let first: Measurement | undefined
  let instructions: number | undefined
  let memory: MemoryUse | undefined
  for (let round = 1; round <= rounds; round++) {
    for (const emulator of ['doppel', 'qemu'] as const) {
      const run = await benchmark.run(emulator)
      first ??= run
      if (run.checksum !== first.checksum) {
        throw new DoppelError(
          'bench.checksum',
          `${name} computed ${run.checksum} in ${emulator}, round ${round}; expected doppel's first, ${first.checksum}`,
          { name, emulator, round },
        )
      }
      seconds[emulator].push(run.seconds)
      instructions ??= run.instructions
      memory ??= run.memory
    }
    note(`${name}: round ${round} of ${rounds}: doppel ${last(seconds.doppel)} s, QEMU ${last(seconds.qemu)} s`)
  }
  return { name, stresses, ...seconds, instructions, memory }
}

function last(seconds: readonly number[]): string {
  return (seconds.at(-1) ?? Number.NaN).toFixed(2)
}
