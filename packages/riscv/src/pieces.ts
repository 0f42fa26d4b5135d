import type { SliceEnd } from '@doppel/base'
import type { RiscvCpu } from './cpu.ts'
import type { Hart } from './hart.ts'

/** Exits of a slice at least: see `Hart`. */
const MIN_EXITS = 1000

/**
 * Runs a slice in pieces, for those who are to be told of each instruction or of each so many. Pieces retire exactly what they
 * are given, and interrupts come when something has changed: a deterministic run stays what it is.
 */
export function runInPieces(hart: Hart, cpu: Pick<RiscvCpu, 'observers' | 'endsSlice'>, budget: number): SliceEnd {
  let left = budget
  // Exceptions retire nothing: a guest that only traps must not keep the thread. Each piece lets so many pass.
  for (let fruitless = 0; fruitless <= budget / MIN_EXITS; ) {
    const { sample, instruction } = cpu.observers
    const before = hart.retired
    const toSample = sample ? sample.every - Number(before % BigInt(sample.every)) : Infinity
    const piece = instruction ? 1 : Math.min(left, toSample)
    const end = hart.runSlice(piece)
    const ran = Number(hart.retired - before)
    left -= ran
    if (ran === 0) fruitless++
    if (ran === toSample) sample?.take(hart)
    if (end !== 'budget' || left <= 0 || cpu.endsSlice !== undefined) return end
  }
  return 'budget'
}
