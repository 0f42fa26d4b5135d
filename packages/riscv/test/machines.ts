import { assemble, type EnginePlace } from '@doppel/engine'
import { riscvAssembly } from '../src/assembly.ts'
import { createRiscvCpu, type RiscvCpu } from '../src/cpu.ts'
import type { Hart } from '../src/hart.ts'

/** Where test machines have their RAM, and how much. */
export const RAM = 0x8000_0000
export const RAM_BYTES = 1 << 20

/** The two ways to run, by the arrivals after which code is translated. */
export const TIERS: readonly (readonly [name: string, translateAfter: number])[] = [
  ['interpreted', 0],
  ['translated', 1],
]

/** A machine with a program at the start of RAM, about to run it in M-mode. */
export interface TestMachine {
  readonly cpu: RiscvCpu
  readonly hart: Hart
  readonly symbols: ReadonlyMap<string, bigint>
  /** What was written to addresses outside RAM, in order. */
  readonly writes: (readonly [address: number, value: bigint])[]
}

/** Assembles and loads a program. Reads outside RAM below 4 KiB fault; others answer 0. */
export function machineWith(program: string, translateAfter: number, place?: EnginePlace): TestMachine {
  const writes: (readonly [number, bigint])[] = []
  const bus = {
    read: (address: number) => (address < 4096 ? undefined : 0n),
    write: (address: number, _width: number, value: bigint) => {
      writes.push([address, value])
      return address >= 4096
    },
  }
  const config = { harts: 1, ramBase: RAM, ramBytes: RAM_BYTES, time: () => 0n, bus }
  const cpu = createRiscvCpu(config, { translateAfter, ...(place && { place }) })
  const hart = cpu.harts[0]
  if (!hart) throw new Error('no hart')
  const { bytes, symbols } = assemble(riscvAssembly, program, { origin: BigInt(RAM) })
  cpu.memory.write(RAM, bytes)
  hart.start({ pc: BigInt(RAM), privilege: 3, a0: 0n, a1: 0n })
  return { cpu, hart, symbols, writes }
}
