import type { IrqLine, Timer, TimerQueue } from '@doppel/base'
import type { MmioDevice, MmioWidth } from './bus.ts'

// Registers of google,goldfish-rtc: 64-bit nanoseconds in halves.
const TIME_LOW = 0x00
const TIME_HIGH = 0x04
const ALARM_LOW = 0x08
const ALARM_HIGH = 0x0c
const IRQ_ENABLED = 0x10
const CLEAR_ALARM = 0x14
const ALARM_STATUS = 0x18
const CLEAR_INTERRUPT = 0x1c

const REGISTERS: Readonly<Record<number, string>> = {
  [TIME_LOW]: 'time_low',
  [TIME_HIGH]: 'time_high',
  [ALARM_LOW]: 'alarm_low',
  [ALARM_HIGH]: 'alarm_high',
  [IRQ_ENABLED]: 'irq_enabled',
  [CLEAR_ALARM]: 'clear_alarm',
  [ALARM_STATUS]: 'alarm_status',
  [CLEAR_INTERRUPT]: 'clear_interrupt',
}

/** The clock as a snapshot has it: version 1. The time itself is the host's. */
export interface RtcState {
  readonly alarm: bigint
  readonly armed: boolean
  readonly enabled: boolean
  readonly pending: boolean
  readonly offsetNs: bigint
  readonly timeHigh: number
}

/** Wall-clock time in nanoseconds since 1970 with one alarm, `google,goldfish-rtc` compatible. */
export class GoldfishRtc implements MmioDevice {
  readonly name = 'rtc'
  readonly lengthBytes = 0x1000
  readonly #timers: TimerQueue
  readonly #line: IrqLine
  readonly #timer: Timer
  /** What the guest has set its clock ahead of the host's, ns. */
  #offsetNs = 0n
  #timeHigh = 0
  #alarm = 0n
  #armed = false
  #enabled = false
  #pending = false

  constructor({ timers, line }: { readonly timers: TimerQueue; readonly line: IrqLine }) {
    this.#timers = timers
    this.#line = line
    this.#timer = timers.timer(() => this.#check())
  }

  describe(offset: number): { register: string } | undefined {
    const register = REGISTERS[offset]
    return register === undefined ? undefined : { register }
  }

  save(): RtcState {
    return {
      alarm: this.#alarm,
      armed: this.#armed,
      enabled: this.#enabled,
      pending: this.#pending,
      offsetNs: this.#offsetNs,
      timeHigh: this.#timeHigh,
    }
  }
  restore(state: RtcState): void {
    this.#alarm = state.alarm
    this.#armed = state.armed
    this.#enabled = state.enabled
    this.#pending = state.pending
    this.#offsetNs = state.offsetNs
    this.#timeHigh = state.timeHigh
    this.#line.set(this.#pending && this.#enabled)
    this.#check()
  }

  read(offset: number, width: MmioWidth): number {
    if (width !== 4) return 0
    switch (offset) {
      case TIME_LOW: {
        // Reading the low half latches the high half, so that the pair is of one moment.
        const now = this.#now()
        this.#timeHigh = high(now)
        return low(now)
      }
      case TIME_HIGH:
        return this.#timeHigh
      case ALARM_LOW:
        return low(this.#alarm)
      case ALARM_HIGH:
        return high(this.#alarm)
      case IRQ_ENABLED:
        return this.#enabled ? 1 : 0
      case ALARM_STATUS:
        return this.#armed ? 1 : 0
      default:
        return 0
    }
  }

  write(offset: number, width: MmioWidth, value: number): void {
    if (width !== 4) return
    switch (offset) {
      case TIME_LOW:
      case TIME_HIGH: {
        const now = this.#now()
        this.#offsetNs += (offset === TIME_LOW ? join(high(now), value) : join(value, low(now))) - now
        this.#check()
        break
      }
      case ALARM_HIGH:
        this.#alarm = join(value, low(this.#alarm))
        break
      case ALARM_LOW:
        // The driver writes the high half first; the low half arms.
        this.#alarm = join(high(this.#alarm), value)
        this.#armed = true
        this.#check()
        break
      case IRQ_ENABLED:
        this.#enabled = (value & 1) === 1
        break
      case CLEAR_ALARM:
        this.#armed = false
        this.#timer.arm(Infinity)
        break
      case CLEAR_INTERRUPT:
        this.#pending = false
        break
    }
    this.#line.set(this.#pending && this.#enabled)
  }

  #now(): bigint {
    return BigInt.asUintN(64, this.#timers.clock.realtimeNs() + this.#offsetNs)
  }

  #check(): void {
    if (!this.#armed) return
    const remaining = this.#alarm - this.#now()
    if (remaining <= 0n) {
      this.#armed = false
      this.#pending = true
      this.#timer.arm(Infinity)
      this.#line.set(this.#enabled)
    } else {
      this.#timer.arm(this.#timers.clock.monotonicNs() + Math.max(Number(remaining), MIN_WAIT_NS))
    }
  }
}

/** Real time and monotonic time round differently; waiting at least this long keeps a near alarm from spinning. */
const MIN_WAIT_NS = 1000

const low = (value: bigint): number => Number(BigInt.asUintN(32, value))
const high = (value: bigint): number => Number(BigInt.asUintN(32, value >> 32n))
const join = (top: number, bottom: number): bigint => (BigInt(top >>> 0) << 32n) | BigInt(bottom >>> 0)
