import { address64 } from './address.ts'
import { Access } from './pmp.ts'
import type { Hart } from './hart.ts'
import type { WatchedCode } from './watched-code.ts'

/** A trap that a hart is about to enter; its pc is still where the trap came from. */
export interface ObservedTrap {
  /** The code of mcause and scause, without the bit that tells interrupts. */
  readonly cause: number
  readonly isInterrupt: boolean
  /** What mtval or stval will have. */
  readonly value: bigint
}

/** An access to something that is not RAM. */
export interface ObservedAccess {
  readonly gpa: number
  readonly widthBytes: number
  /** What was read or is written; undefined where no device answered. */
  readonly value: bigint | undefined
  readonly isWrite: boolean
}

/** A walk of page tables by the hardware, for a TLB that had nothing. */
export interface ObservedWalk {
  readonly address: bigint
  readonly access: 'read' | 'write' | 'execute'
  /** Undefined where the access is refused. */
  readonly gpa: number | undefined
}

/** What may be told of harts that run; who asks for nothing costs nothing. */
export interface HartObserver {
  /** A hart is about to run the instruction at pc, which may still trap. All code runs one instruction at a time then. */
  instruction?(hart: Hart): void
  /** Code whose instructions alone are told of: all other runs as fast as ever. */
  readonly code?: WatchedCode
  trap?(hart: Hart, trap: ObservedTrap): void
  /** An sret or mret has been done. */
  returned?(hart: Hart): void
  /**
   * In the middle of an instruction, as walks for data and writes of CSRs are: it counts as retired already, and general
   * registers may be out of date.
   */
  device?(hart: Hart, access: ObservedAccess): void
  /** The interpreter has come, at pc, to a basic block that it had to decode. */
  decoded?(hart: Hart): void
  /** Whether the hart is to stop before an access to a device. */
  stopsBefore?(hart: Hart, gpa: number, isWrite: boolean): boolean
  /** It has, at pc; the access would be at this address. */
  stoppedBefore?(hart: Hart, address: bigint): void
  walk?(hart: Hart, walk: ObservedWalk): void
  /** A CSR has been written by an instruction; see `CpuOptions.seesCsrWrites`. */
  csrWritten?(hart: Hart, name: string, value: bigint): void
  /** Told, of each hart, about each so many instructions that it has retired. */
  readonly sample?: { readonly every: number; readonly take: (hart: Hart) => void }
}

type Told = 'instruction' | 'trap' | 'returned' | 'device' | 'walk' | 'csrWritten' | 'stoppedBefore' | 'decoded'

/** Those who look on. Each kind of event is one function, undefined while nobody wants it. */
export class Observers {
  readonly #all = new Set<HartObserver>()
  readonly #changed: () => void
  instruction: HartObserver['instruction'] | undefined
  trap: HartObserver['trap'] | undefined
  returned: HartObserver['returned'] | undefined
  device: HartObserver['device'] | undefined
  walk: HartObserver['walk'] | undefined
  csrWritten: HartObserver['csrWritten'] | undefined
  decoded: HartObserver['decoded'] | undefined
  stopsBefore: HartObserver['stopsBefore'] | undefined
  stoppedBefore: HartObserver['stoppedBefore'] | undefined
  sample: HartObserver['sample'] | undefined
  codes: readonly WatchedCode[] = []

  /** `changed` is called when others look on than before. */
  constructor(changed: () => void) {
    this.#changed = changed
  }
  /** True while slices are cut into pieces. */
  get cutsSlices(): boolean {
    return this.instruction !== undefined || this.sample !== undefined
  }
  /** Only between slices; returns how to end it, between slices as well. */
  add(observer: HartObserver): () => void {
    this.#all.add(observer)
    this.#update()
    return () => {
      this.#all.delete(observer)
      this.#update()
    }
  }
  /** Tells of a walk; `gpa` is negative where the access is refused. */
  walked(hart: Hart, low: number, high: number, access: number, gpa: number): void {
    if (!this.walk) return
    const kind = access === Access.read ? 'read' : access === Access.write ? 'write' : 'execute'
    this.walk(hart, { address: address64(low, high), access: kind, gpa: gpa < 0 ? undefined : gpa })
  }
  tellReturn(hart: Hart): void {
    hart.hasReturned = false
    this.returned?.(hart)
  }
  #update(): void {
    this.instruction = this.#every('instruction')
    this.trap = this.#every('trap')
    this.returned = this.#every('returned')
    this.device = this.#every('device')
    this.walk = this.#every('walk')
    this.csrWritten = this.#every('csrWritten')
    this.decoded = this.#every('decoded')
    this.stoppedBefore = this.#every('stoppedBefore')
    const stops = [...this.#all].find(observer => observer.stopsBefore !== undefined)
    this.stopsBefore = stops?.stopsBefore?.bind(stops)
    this.sample = [...this.#all].find(({ sample }) => sample)?.sample
    this.codes = [...this.#all].flatMap(({ code }) => code ?? [])
    this.#changed()
  }
  #every<K extends Told>(event: K): HartObserver[K] | undefined {
    const wanting = [...this.#all].filter(observer => observer[event] !== undefined)
    if (wanting.length < 2) return wanting[0]?.[event]?.bind(wanting[0]) as HartObserver[K] | undefined
    const tell = (...told: never[]): void => {
      for (const observer of wanting) (observer[event] as (...args: never[]) => void).apply(observer, told)
    }
    return tell as unknown as HartObserver[K]
  }
}
