import {
  FlatMemory,
  PAGE_BYTES,
  type Privilege,
  type RiscvCpu,
  type RiscvCpuConfig,
  type RiscvHart,
  type SliceEnd,
} from '@doppel/base'

const ALL_ONES = (1n << 64n) - 1n

/**
 * A hart with all of the state a board can reach and a program that is a function: one call of `step` is one
 * instruction. It returns 'wfi' to wait.
 */
export class StateHart implements RiscvHart {
  readonly id: number
  running = false
  retired = 0n
  pc = 0n
  privilege: Privilege = 3
  pending = 0n
  timerCompare = ALL_ONES
  readonly fences: string[] = []
  readonly csrs = new Map<string, bigint>()
  readonly #registers = new BigUint64Array(32)
  readonly #time: () => bigint
  step: (hart: StateHart) => 'wfi' | undefined
  #waiting = false

  constructor(
    id: number,
    time: () => bigint = () => 0n,
    step: (hart: StateHart) => 'wfi' | undefined = () => undefined,
  ) {
    this.id = id
    this.#time = time
    this.step = step
  }
  start(entry: { pc: bigint; privilege: Privilege; a0: bigint; a1: bigint }): void {
    this.running = true
    this.#waiting = false
    this.pc = entry.pc
    this.privilege = entry.privilege
    this.setX(10, entry.a0)
    this.setX(11, entry.a1)
  }
  stop(): void {
    this.running = false
  }
  run(budget: number): SliceEnd {
    for (let i = 0; i < budget; i++) {
      if (!this.running) return 'stopped'
      if (this.#waiting && !this.interruptPending()) return 'wfi'
      this.#waiting = false
      this.retired++
      if (this.step(this) === 'wfi') this.wait()
    }
    return 'budget'
  }
  x(register: number): bigint {
    return this.#registers[register] ?? 0n
  }
  setX(register: number, value: bigint): void {
    this.#registers[register] = value
  }
  setInterrupt(bit: number, level: boolean): void {
    this.pending = level ? this.pending | (1n << BigInt(bit)) : this.pending & ~(1n << BigInt(bit))
  }
  wait(): void {
    this.#waiting = true
  }
  interruptPending(): boolean {
    const timer = this.#time() >= this.timerCompare ? 1n << 5n : 0n
    return ((this.pending | timer) & this.readCsr('mie')) !== 0n
  }
  timerDeadline(): bigint | undefined {
    return this.timerCompare === ALL_ONES ? undefined : this.timerCompare
  }
  setSupervisorTimer(value: bigint): void {
    this.timerCompare = value
  }
  flushTlb(range?: { start: bigint; lengthBytes: bigint }, asid?: number): void {
    const where = range === undefined ? 'all' : `${range.start.toString(16)}+${range.lengthBytes.toString(16)}`
    this.fences.push(asid === undefined ? where : `${where} asid ${asid}`)
  }
  flushInstructions(): void {
    this.fences.push('fence.i')
  }
  readCsr(name: string): bigint {
    return this.csrs.get(name) ?? 0n
  }
  writeCsr(name: string, value: bigint): void {
    // Of sip only SSIP is writable (Priv. §4.1.3).
    if (name === 'sip') this.setInterrupt(1, (value & 2n) !== 0n)
    else this.csrs.set(name, value)
  }
}

/** A CPU of such harts with plain memory; what it saves is pc, registers and whether each hart runs. */
export function stateCpu(config: RiscvCpuConfig, memory: FlatMemory, harts: readonly StateHart[]): RiscvCpu {
  const pages = memory.bytes.length / PAGE_BYTES
  const bytesOf = (page: number): Uint8Array => memory.bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
  if (config.pageSource) for (let page = 0; page < pages; page++) config.pageSource(page, bytesOf(page))
  const registers = Array.from({ length: 32 }, (_, i) => i)
  return {
    memory,
    harts,
    *touchedPages() {
      for (let page = 0; page < pages; page++) yield [page, bytesOf(page)] as const
    },
    save: () => harts.map(hart => ({ pc: hart.pc, running: hart.running, x: registers.map(i => hart.x(i)) })),
    restore(saved) {
      const states = saved as { pc: bigint; running: boolean; x: bigint[] }[]
      for (const [i, { pc, running, x }] of states.entries()) {
        const hart = harts[i] as StateHart
        Object.assign(hart, { pc, running })
        for (const [register, value] of x.entries()) hart.setX(register, value)
      }
    },
  }
}
