import {
  type ArmedTimers,
  type GuestMemory,
  hashWords,
  type IrqLine,
  type Saved,
  type TimerQueue,
  utf8Bytes,
} from '@doppel/base'
import type { DeviceFault } from '@doppel/devices'
import type { InstructionClock } from './instruction-clock.ts'

/** What can be made to go wrong. */
export type FaultKind = DeviceFault | 'irq-delay' | 'clock-jump' | 'bit-flip'

/** A kind of fault: of what one in so many is struck, and how long at most it then takes, ns, where it takes time. */
interface FaultRow {
  readonly of: 'disk requests' | 'disk writes' | 'frames' | 'frames received' | 'interrupts' | 'instructions'
  readonly summary: string
  readonly mostNs?: number
}

/** A row for each kind. */
export const FAULTS: Readonly<Record<FaultKind, FaultRow>> = {
  'disk-error': { of: 'disk requests', summary: 'is not done, and answered with an I/O error' },
  'torn-write': { of: 'disk writes', summary: 'ends with an I/O error after some of its sectors' },
  'packet-loss': { of: 'frames', summary: 'of a network is lost' },
  'packet-late': { of: 'frames received', summary: 'comes after the next one' },
  'irq-delay': { of: 'interrupts', summary: 'of a virtio device comes later', mostNs: 1_000_000 },
  'clock-jump': { of: 'instructions', summary: 'finds the time further on', mostNs: 1_000_000_000 },
  'bit-flip': { of: 'instructions', summary: 'finds a bit of RAM changed' },
}

/** How often each is to happen, on average, and how long it takes at most, where it takes time. */
export type FaultRates = {
  readonly [kind in FaultKind]?: { readonly oneIn: number; readonly mostNs?: number | undefined }
}

/** A fault that has struck. */
export interface FaultEvent {
  readonly kind: FaultKind
  /** What it has done, for people. */
  readonly what: string
  readonly instructions: bigint
  readonly atNs: number
}

/** What faults strike. */
export interface FaultyMachine {
  readonly clock: InstructionClock
  readonly timers: TimerQueue
  readonly memory: GuestMemory
  readonly position: () => { readonly instructions: bigint; readonly atNs: number }
}

/** Faults of a deterministic machine: when they strike, and what they do, is a function of the seed and of their rates. */
export class Faults {
  readonly #machine: FaultyMachine
  readonly #rates: FaultRates
  readonly #onFault: (event: FaultEvent) => void
  /** Each kind has a stream of its own, so that asking for one more changes nothing about the others. */
  readonly #streams = new Map<FaultKind, number>()
  /** For what strikes by instructions: after how many it does next. */
  readonly #next = new Map<FaultKind, number>()
  #count = 0
  /** While devices are brought back: the timers that are about to be armed. */
  #returning: ArmedTimers | undefined
  /** How many have been told: those that are gone through again are not told again. */
  #told = 0

  constructor(seed: number, rates: FaultRates, machine: FaultyMachine, onFault: (event: FaultEvent) => void) {
    this.#machine = machine
    this.#rates = rates
    this.#onFault = onFault
    for (const kind of Object.keys(FAULTS) as FaultKind[]) {
      this.#streams.set(kind, hashWords(utf8Bytes(kind), [seed | 0, Math.floor(seed / 2 ** 32)])[0])
      if (FAULTS[kind].of === 'instructions') this.#next.set(kind, this.#gap(kind))
    }
  }

  /** An opportunity: a number, at least 0 and less than 1, where this one is struck; it says how. */
  strikes(kind: FaultKind): number | undefined {
    const rate = this.#rates[kind]
    return rate && this.#draw(kind) < 1 / rate.oneIn ? this.#draw(kind) : undefined
  }
  /** It has been struck; `what` says what that did. */
  tell(kind: FaultKind, what: string): void {
    this.#count++
    if (this.#count <= this.#told) return
    this.#told = this.#count
    this.#onFault({ kind, what, ...this.#machine.position() })
  }

  /** Between turns: what strikes by instructions. */
  beforeTurn(instructions: bigint): void {
    for (const [kind, next] of this.#next) {
      if (instructions < next) continue
      // However many were missed in a turn, one is enough.
      this.#next.set(kind, Number(instructions) + this.#gap(kind))
      if (kind === 'clock-jump') this.#jump()
      else this.#flip()
    }
  }
  #jump(): void {
    const ns = this.#lengthNs('clock-jump', this.#draw('clock-jump'))
    this.#machine.clock.skip(ns)
    this.tell('clock-jump', `the time is ${ns} ns further on`)
  }
  #flip(): void {
    const { memory } = this.#machine
    const [range] = memory.ranges
    if (!range) return
    const gpa = range.base + Math.floor(this.#draw('bit-flip') * range.lengthBytes)
    const bit = Math.floor(this.#draw('bit-flip') * 8)
    const byte = new Uint8Array(1)
    memory.read(gpa, byte)
    memory.write(
      gpa,
      byte.map(value => value ^ (1 << bit)),
    )
    this.tell('bit-flip', `bit ${bit} of the byte at 0x${gpa.toString(16)} in RAM is another one`)
  }

  /** A wire on which interrupts may come later. */
  wire(line: IrqLine): IrqLine {
    if (!this.#rates['irq-delay']) return line
    // Its device sets its level when it is brought back, and the timer that delays it is brought back with all others.
    const fire = (): void => line.set(true)
    const timer = this.#machine.timers.timer(fire)
    let level = false
    return {
      set: next => {
        const rises = next && !level
        level = next
        if (this.#returning) return line.set(next && !this.#returning.has(fire))
        const struck = rises ? this.strikes('irq-delay') : undefined
        if (!next) timer.arm(Infinity)
        if (struck === undefined) return next && !rises ? undefined : line.set(next)
        const ns = this.#lengthNs('irq-delay', struck)
        timer.arm(this.#machine.timers.clock.monotonicNs() + ns)
        this.tell('irq-delay', `an interrupt comes ${ns} ns later`)
      },
    }
  }

  /** Has devices brought back, with timers that are `armed` afterwards: nothing strikes them meanwhile. */
  quietly(armed: ArmedTimers, bringBack: () => void): void {
    this.#returning = armed
    try {
      bringBack()
    } finally {
      this.#returning = undefined
    }
  }
  save(): Saved {
    return { streams: [...this.#streams.values()], next: [...this.#next.values()], count: this.#count }
  }
  restore(saved: Saved): void {
    const { streams, next, count } = saved as unknown as { streams: number[]; next: number[]; count: number }
    for (const [i, kind] of [...this.#streams.keys()].entries()) this.#streams.set(kind, streams[i] ?? 0)
    for (const [i, kind] of [...this.#next.keys()].entries()) this.#next.set(kind, next[i] ?? Infinity)
    this.#count = count
  }

  #lengthNs(kind: 'clock-jump' | 'irq-delay', fraction: number): number {
    return 1 + Math.floor(fraction * (this.#rates[kind]?.mostNs ?? FAULTS[kind].mostNs ?? 0))
  }
  /** Instructions until the next one, exponentially distributed as the gaps between independent events are. */
  #gap(kind: FaultKind): number {
    const rate = this.#rates[kind]
    return rate ? Math.ceil(-Math.log(1 - this.#draw(kind)) * rate.oneIn) : Infinity
  }
  /** At least 0, less than 1: a Weyl sequence through the finalizer of MurmurHash3. */
  #draw(kind: FaultKind): number {
    const state = ((this.#streams.get(kind) ?? 0) + 0x6d2b79f5) | 0
    this.#streams.set(kind, state)
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
  }
}
