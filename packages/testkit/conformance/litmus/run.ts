import { hostClock, type RiscvCpuConfig, type RiscvCpu as BoardCpu, seededEntropy } from '@doppel/base'
import { assemble } from '@doppel/engine'
import { createRiscvCpu, riscvAssembly, ThreadedCpu } from '@doppel/riscv'
import { hartThreads } from 'doppel/threads'
import { DONE, entryOf, litmusProgram, placeOf, RAM, RAM_BYTES } from './program.ts'
import type { LitmusTest, Outcome } from './tests.ts'

/** How often each outcome came, by its text, the forbidden ones apart. */
export interface LitmusCounts {
  readonly seen: ReadonlyMap<string, number>
  readonly forbidden: ReadonlyMap<string, number>
}

/** How to run: `rounds`, and arrivals after which code is translated (0: never). */
export interface LitmusOptions {
  readonly rounds: number
  readonly translateAfter: number
}

/** A slice in turn: short, so that harts come between one another anywhere. */
const MAX_TURN = 40
const TICKS_PER_SECOND = 10_000_000

/** Runs a litmus test with harts that take turns, after slices of random lengths. */
export function litmusInTurn(test: LitmusTest, options: LitmusOptions): LitmusCounts {
  const { config, doneHarts } = machineConfig(test)
  const cpu = createRiscvCpu(config, { translateAfter: options.translateAfter })
  load(cpu, test, options.rounds)
  const entropy = seededEntropy(BigInt(options.rounds))
  const random = new Uint8Array(test.harts.length)
  while (doneHarts() < test.harts.length) {
    entropy.fill(random)
    cpu.harts.forEach((hart, i) => hart.run(1 + ((random[i] as number) % MAX_TURN)))
  }
  return counted(cpu, test, options.rounds)
}

/** Runs a litmus test with each hart on a thread of its own. */
export async function litmusOnThreads(test: LitmusTest, options: LitmusOptions): Promise<LitmusCounts> {
  const { config, doneHarts } = machineConfig(test)
  const cpu = new ThreadedCpu(config, { ...hartThreads(), translateAfter: options.translateAfter })
  try {
    load(cpu, test, options.rounds)
    await cpu.depart(TICKS_PER_SECOND)
    while (doneHarts() < test.harts.length) {
      await cpu.asked()
      cpu.serve()
    }
    await cpu.gather()
    return counted(cpu, test, options.rounds)
  } finally {
    cpu.close()
  }
}

function machineConfig(test: LitmusTest): { config: RiscvCpuConfig; doneHarts: () => number } {
  let done = 0
  const clock = hostClock()
  const config: RiscvCpuConfig = {
    harts: test.harts.length,
    ramBase: RAM,
    ramBytes: RAM_BYTES,
    time: () => BigInt(Math.floor((clock.monotonicNs() * TICKS_PER_SECOND) / 1e9)),
    bus: {
      read: () => undefined,
      write: gpa => {
        if (gpa === DONE) done++
        return gpa === DONE
      },
    },
  }
  return { config, doneHarts: () => done }
}

function load(cpu: BoardCpu, test: LitmusTest, rounds: number): void {
  cpu.memory.write(RAM, assemble(riscvAssembly, litmusProgram(test, rounds), { origin: BigInt(RAM) }).bytes)
  for (const hart of cpu.harts) hart.start({ pc: BigInt(entryOf(hart.id)), privilege: 3, a0: 0n, a1: 0n })
}

function counted(cpu: BoardCpu, test: LitmusTest, rounds: number): LitmusCounts {
  const seen = new Map<string, number>()
  const forbidden = new Map<string, number>()
  const bytes = new Uint8Array(8)
  const dword = (gpa: number): bigint => {
    cpu.memory.read(gpa, bytes)
    return new DataView(bytes.buffer).getBigInt64(0, true)
  }
  for (let round = 0; round < rounds; round++) {
    const registers = test.harts.map((_, hart): readonly [bigint, bigint] => {
      const at = placeOf.registers(hart, round)
      return [dword(at), dword(at + 8)]
    })
    const outcome: Outcome = { registers, x: dword(placeOf.x(round)), y: dword(placeOf.y(round)) }
    const counts = test.forbidden(outcome) ? forbidden : seen
    const text = `${registers.join('; ')}; x=${outcome.x} y=${outcome.y}`
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return { seen, forbidden }
}
