import { createRiscvCpu, type Hart } from '@doppel/riscv'
import { FINISHER, LOG, LOG_END, RAM, RAM_BYTES } from './layout.ts'
import type { Program } from './program.ts'
import { type LogRecord, parseLog, type Step } from './state.ts'

/** One of doppel's two ways to run code. */
export type Tier = 'interpreter' | 'translator'

const TRANSLATE_AFTER: Readonly<Record<Tier, number>> = { interpreter: 0, translator: 1 }
const SLICE = 1_000_000
/** A program that does not end by then (single-stepped, or in slices), or retires nothing in a slice, never will. */
const MAX_STEPS = 20_000_000
const MAX_SLICES = 100

/** What a run gave. */
export interface Run {
  readonly log: readonly LogRecord[]
  readonly finished: boolean
  /** Instructions retired, the runtime's included. */
  readonly retired: bigint
}

function start(program: Program, tier: Tier): { hart: Hart; run: (budget: number) => boolean; log: () => LogRecord[] } {
  let running = true
  const bus = {
    read: () => undefined,
    write: (gpa: number) => {
      if (gpa !== FINISHER) return false
      running = false
      hart.stop()
      return true
    },
  }
  const config = { harts: 1, ramBase: RAM, ramBytes: RAM_BYTES, time: () => 0n, bus }
  const cpu = createRiscvCpu(config, { translateAfter: TRANSLATE_AFTER[tier] })
  const hart = cpu.harts[0] as Hart
  for (const { at, bytes } of program.segments) cpu.memory.write(at, bytes)
  hart.start({ pc: BigInt(RAM), privilege: 3, a0: 0n, a1: 0n })
  const run = (budget: number): boolean => {
    hart.run(budget)
    return running
  }
  const log = (): LogRecord[] => {
    const bytes = new Uint8Array(LOG_END - LOG)
    cpu.memory.read(LOG, bytes)
    return parseLog(bytes)
  }
  return { hart, run, log }
}

/** Runs a program to its end. */
export function runInDoppel(program: Program, tier: Tier): Run {
  const { hart, run, log } = start(program, tier)
  let finished = false
  let before = -1n
  for (let slices = 0; slices < MAX_SLICES && !finished && hart.retired !== before; slices++) {
    before = hart.retired
    finished = !run(SLICE)
  }
  return { log: log(), finished, retired: hart.retired }
}

/** Runs a program one instruction at a time and tells the registers before each in the range, `limit` at most. */
export function traceInDoppel(program: Program, tier: Tier, first: bigint, end: bigint, limit: number): Step[] {
  const { hart, run } = start(program, tier)
  const steps: Step[] = []
  let total = 0
  const before = (): boolean => hart.pc >= first && hart.pc < end
  do {
    if (!before()) continue
    const registers = (read: (i: number) => bigint): bigint[] => Array.from({ length: 32 }, (_, i) => read(i))
    steps.push({ pc: hart.pc, x: registers(i => hart.x(i)), f: registers(i => hart.f(i)) })
  } while (steps.length < limit && total++ < MAX_STEPS && run(1))
  return steps
}
