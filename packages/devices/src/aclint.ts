import type { IrqLine, Timer, TimerQueue } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'

/** An ACLINT as a snapshot has it: version 1. */
export interface AclintState {
  readonly msip: readonly boolean[]
  readonly compare: readonly bigint[]
  /** What writes to mtime have added to the counter, ticks. */
  readonly offset: bigint
}

/** What an ACLINT is built from; `software` and `timer` have one line per hart (mip.MSIP and mip.MTIP). */
export interface AclintConfig {
  /** A free-running counter of `ticksPerSecond`. */
  readonly counter: () => bigint
  readonly ticksPerSecond: number
  readonly timers: TimerQueue
  readonly software: readonly IrqLine[]
  readonly timer: readonly IrqLine[]
}

// The SiFive CLINT's layout, which ACLINT 1.0 §1.2 keeps: MSWI, MTIMECMPs, then MTIME.
const MTIMECMP = 0x4000
const MTIME = 0xbff8
const NEVER = 0xffff_ffff_ffff_ffffn

/** Machine-level software interrupts and timer of every hart, `riscv,clint0` compatible. RISC-V ACLINT 1.0. */
export class Aclint implements MmioDevice {
  readonly name = 'aclint'
  readonly lengthBytes = 0x1_0000
  readonly #config: AclintConfig
  readonly #msip: boolean[]
  readonly #compare: bigint[]
  readonly #timers: Timer[]
  /** What writes to mtime have added to the counter. */
  #offset = 0n

  constructor(config: AclintConfig) {
    this.#config = config
    this.#msip = config.software.map(() => false)
    this.#compare = config.timer.map(() => NEVER)
    this.#timers = config.timer.map((_, hart) => config.timers.timer(() => this.#update(hart)))
  }

  /** The registers. Lines follow from them. */
  describe(offset: number): { register: string } {
    if (offset < MTIMECMP) return { register: `msip[${offset >>> 2}]` }
    return { register: offset < MTIME ? `mtimecmp[${(offset - MTIMECMP) >>> 3}]` : 'mtime' }
  }

  save(): AclintState {
    return { msip: this.#msip.slice(), compare: this.#compare.slice(), offset: this.#offset }
  }
  restore({ msip, compare, offset }: AclintState): void {
    this.#offset = offset
    for (const hart of this.#compare.keys()) {
      this.#msip[hart] = msip[hart] ?? false
      this.#compare[hart] = compare[hart] ?? NEVER
      this.#config.software[hart]?.set(this.#msip[hart])
      this.#update(hart)
    }
  }

  /** mtime now, in ticks: the time CSR shows this same counter (Priv. §3.2.1). */
  time(): bigint {
    return BigInt.asUintN(64, this.#config.counter() + this.#offset)
  }

  read64(offset: number): bigint {
    if (offset === MTIME) return this.time()
    if (offset >= MTIMECMP) return this.#compare[(offset - MTIMECMP) >>> 3] ?? 0n
    return BigInt(this.read(offset, 4)) | (BigInt(this.read(offset + 4, 4)) << 32n)
  }

  read(offset: number, width: MmioWidth): number {
    if (width !== 4) return 0
    if (offset < MTIMECMP) return this.#msip[offset >>> 2] ? 1 : 0
    const whole = this.read64(offset & ~7)
    return Number(BigInt.asUintN(32, offset & 4 ? whole >> 32n : whole))
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (width !== 4) return
    if (offset < MTIMECMP) {
      const hart = offset >>> 2
      if (hart >= this.#msip.length) return
      const level = (value & 1) === 1
      this.#msip[hart] = level
      this.#config.software[hart]?.set(level)
    } else if (offset < MTIME) {
      const hart = (offset - MTIMECMP) >>> 3
      const old = this.#compare[hart]
      if (old === undefined) return
      this.#compare[hart] = withHalf(old, offset, value)
      this.#update(hart)
    } else if (offset < MTIME + 8) {
      const now = this.time()
      this.#offset += withHalf(now, offset, value) - now
      for (let hart = 0; hart < this.#compare.length; hart++) this.#update(hart)
    }
  }

  /** MTIP is high exactly while mtime >= mtimecmp (Priv. §3.2.1); otherwise a timer looks again when that may be so. */
  #update(hart: number): void {
    const remaining = (this.#compare[hart] ?? NEVER) - this.time()
    this.#config.timer[hart]?.set(remaining <= 0n)
    const waitNs = remaining <= 0n ? Infinity : (Number(remaining) * 1e9) / this.#config.ticksPerSecond
    this.#timers[hart]?.arm(this.#config.timers.clock.monotonicNs() + waitNs)
  }
}

function withHalf(old: bigint, offset: number, value: number): bigint {
  const half = BigInt(value >>> 0)
  return offset & 4 ? (half << 32n) | BigInt.asUintN(32, old) : ((old >> 32n) << 32n) | half
}
