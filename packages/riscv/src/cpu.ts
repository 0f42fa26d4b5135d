import {
  type DebugGoal,
  DoppelError,
  type EnvironmentCall,
  type GuestMemory,
  type RiscvCpuConfig,
  type Saved,
} from '@doppel/base'
import { type Decoded, Engine, type EnginePlace, newDecoded, READ, Request, type Services, WRITE } from '@doppel/engine'
import { address64, halves, nextPage } from './address.ts'
import { Cause } from './causes.ts'
import { Hart } from './hart.ts'
import { rv64gc } from './insn/rv64gc.ts'
import { riscvIsa } from './isa.ts'
import type { RiscvMachine } from './machine.ts'
import { accessFault } from './paging.ts'
import { Observers } from './observers.ts'
import { PhysicalAccess } from './physical.ts'
import { Profile } from './profile.ts'
import { Access } from './pmp.ts'
import { type ExactState, type HartState, restoreExactly, restoreHart, saveExactly, saveHart } from './saved.ts'
import { CONTEXTS, STATE } from './state.ts'
import { runSystem } from './system.ts'

const PAGE_BYTES = 4096
const PAGE_OFFSET = 0xfff

/** Measured on a Linux boot: the interpreter, long optimized, beats fresh translations that V8 has yet to optimize. */
const TRANSLATE_AFTER = 8000

/** How a CPU executes. */
export interface CpuOptions {
  /** Arrivals at a jump target after which the code there is translated; 0 means interpret only. */
  readonly translateAfter?: number
  /** Notes where the harts are, about once a millisecond. */
  readonly profile?: boolean
  /** Every write of a CSR is the host's to do, so that observers are told of it. */
  readonly seesCsrWrites?: boolean
  /** Where harts run on threads of their own: this thread's part of the machine. */
  readonly place?: EnginePlace
}

/** An access's guest-physical address, or -1 after raising the exception. */
type Translated = number

/** The harts of one machine and the memory they share. */
export class RiscvCpu implements Services {
  readonly harts: readonly Hart[]
  readonly engine: Engine<RiscvMachine>
  readonly environmentCall: EnvironmentCall | undefined
  readonly time: () => bigint
  readonly timerTime: () => bigint
  /** Set when a device raised an interrupt line: whoever let the device act looks at interrupts next. */
  interrupted = false
  endsSlice: 'budget' | 'break' | undefined
  #isDeviceStop = false
  /** An event that somebody waits for has stopped a hart; true where a debugger takes it from there. */
  onEvent: (hart: Hart, event: string) => boolean = () => false
  #tlbMisses = 0
  onStepped: (hart: Hart) => void = () => {}
  /** A hart has come to a breakpoint; true ends its slice there. */
  onBreakpoint: (hart: Hart) => boolean = () => false
  /** A hart is about to make an access that is watched, at the address in tval; true ends its slice before. */
  onWatched: (hart: Hart) => boolean = () => false
  /** Where a hart's slice is broken off; told to `onStepped`. */
  stopAt: DebugGoal | undefined
  /** Code of a page of RAM is about to run for the first time, or at another address. */
  onCode: (hart: Hart, ramPage: number) => void = () => {}
  readonly profile: Profile | undefined
  readonly #physical: PhysicalAccess
  readonly observers: Observers = new Observers(() => this.#observersChanged())
  readonly #view: DataView
  readonly #decoded: Decoded = newDecoded()

  constructor(config: RiscvCpuConfig, options: CpuOptions) {
    this.time = config.time
    this.timerTime = config.timerTime ?? config.time
    this.environmentCall = config.environmentCall
    this.profile = options.profile === true ? new Profile() : undefined
    this.engine = new Engine(
      riscvIsa(CONTEXTS, options.seesCsrWrites),
      {
        harts: config.harts,
        ramBase: config.ramBase,
        ramBytes: config.ramBytes,
        translateAfter: options.translateAfter ?? TRANSLATE_AFTER,
        place: options.place,
      },
      this,
    )
    this.engine.frames.source = config.pageSource
    this.#view = new DataView(this.engine.memory.buffer)
    this.#physical = new PhysicalAccess(this.engine, config.bus, this.observers)
    const isNew = options.place?.memory === undefined
    this.harts = Array.from({ length: config.harts }, (_, id) => new Hart(id, this, this.engine, isNew))
    // A guest that keeps rewriting its code must not hold the thread for all of a slice, which would take seconds.
    this.engine.onDrops = () => {
      this.endsSlice = 'budget'
      for (const hart of this.harts) hart.request(Request.leaveAfter)
    }
  }

  get stats(): { readonly tlbMisses: number; readonly deviceAccesses: number } {
    return { tlbMisses: this.#tlbMisses, deviceAccesses: this.#physical.deviceAccesses }
  }
  /** Others look on than before: nothing goes on by what was kept for those. */
  #observersChanged(): void {
    this.engine.cache.breakpoints.unwatch()
    const { decoded } = this.observers
    this.engine.onDecode = decoded && (state => decoded(this.#hart(state)))
    for (const code of this.observers.codes) code.begin(this)
    for (const hart of this.harts) hart.protect(() => undefined)
  }
  #stopsBefore(h: Hart, gpa: number, access: number): boolean {
    const { stopsBefore } = this.observers
    this.#isDeviceStop =
      stopsBefore !== undefined && this.engine.frames.page(gpa) < 0 && stopsBefore(h, gpa, access === Access.write)
    return this.#isDeviceStop
  }
  /** A hart has left an access to be made later; true ends its slice there. */
  watched(h: Hart): boolean {
    if (!this.#isDeviceStop) return this.onWatched(h)
    this.observers.stoppedBefore?.(h, h.tval)
    return true
  }
  /** Ends the slice of a hart that is telling of something, as soon as its code has left. */
  stopSlice(h: Hart): void {
    this.endsSlice = 'break'
    h.request(Request.leaveAfter)
  }
  /** A hart has come to code that somebody stops at or watches; true ends its slice there. */
  reached(h: Hart): boolean {
    for (const code of this.observers.codes) code.reached(h)
    return this.onBreakpoint(h)
  }
  touchedPages(): Iterable<readonly [page: number, bytes: Uint8Array]> {
    return this.engine.frames.touched()
  }
  takeDirty(): number[] {
    return this.engine.takeDirty()
  }
  takeFetched(): number[] {
    return this.engine.takeFetched()
  }
  /** Every hart, as the snapshot codec takes it; asked for between slices. */
  save(): Saved {
    return this.harts.map(saveHart) as unknown as Saved
  }
  /** Makes a CPU just made what another was; memory aside. Throws `snapshot.harts` for another number of harts. */
  restore(saved: Saved): void {
    const states = saved as unknown as readonly HartState[]
    if (states.length !== this.harts.length) {
      throw new DoppelError(
        'snapshot.harts',
        `the snapshot has ${states.length} harts, this machine ${this.harts.length}`,
      )
    }
    for (const [i, hart] of this.harts.entries()) restoreHart(hart, states[i] as HartState)
  }

  saveMoment(): Saved {
    return this.harts.map(saveExactly) as unknown as Saved
  }
  restoreMoment(saved: Saved): void {
    for (const [i, hart] of this.harts.entries())
      restoreExactly(hart, (saved as unknown as readonly ExactState[])[i] as ExactState)
  }

  /** RAM as devices and loaders see it. */
  get memory(): GuestMemory {
    return this.engine.frames
  }

  #hart(state: number): Hart {
    return this.harts[this.engine.hartAt(state)] as Hart
  }

  // Data accesses that missed the TLB

  #translate(h: Hart, low: number, high: number, bytes: number, access: number): Translated {
    const gpa = h.walker.translate(low, high, access, h.dataRules)
    this.observers.walked(h, low, high, access, gpa)
    if (gpa >= 0 && h.pmp.allows(gpa, bytes, access, h.dataRules.privilege)) {
      if (h.isStepping || h.isPassing) return gpa
      if (!h.pmp.isWatched(gpa, bytes, access) && !this.#stopsBefore(h, gpa, access)) return gpa
      h.raise(Cause.watched, address64(low, high))
      return -1
    }
    h.raise(gpa < 0 ? h.walker.cause : accessFault(access), address64(low, high))
    return -1
  }

  slowLoad(state: number, low: number, high: number, bytes: number): number {
    const h = this.#hart(state)
    this.#tlbMisses++
    const scratch = state + STATE.common.scratch
    const room = PAGE_BYTES - (low & PAGE_OFFSET)
    if (bytes > room) {
      const first = this.#translate(h, low, high, room, Access.read)
      if (first < 0) return 0
      const next = nextPage(low, high)
      const second = this.#translate(h, next.low, next.high, bytes - room, Access.read)
      if (second < 0) return 0
      for (let i = 0; i < bytes; i++) {
        const value = this.#physical.read(h, i < room ? first + i : second + i - room, 1)
        if (value === undefined) return this.#fault(h, Cause.loadAccess, low, high)
        this.#view.setUint8(scratch + i, Number(value))
      }
      return scratch
    }
    const gpa = this.#translate(h, low, high, bytes, Access.read)
    if (gpa < 0) return 0
    const page = this.engine.frames.page(gpa)
    if (page >= 0) {
      const host = this.engine.frames.host(gpa, page)
      if (h.pmp.isUniform(gpa)) this.engine.tlbs[h.id]?.fillData(h.contextIndex, READ, low, high, host)
      return host
    }
    const value = this.#physical.read(h, gpa, bytes)
    if (value === undefined) return this.#fault(h, Cause.loadAccess, low, high)
    this.#view.setBigUint64(scratch, value, true)
    return scratch
  }

  slowStore(state: number, low: number, high: number, bytes: number, valueLow: number, valueHigh: number): number {
    const h = this.#hart(state)
    this.#tlbMisses++
    const value = address64(valueLow, valueHigh)
    const dropped = this.engine.stats.droppedPages
    this.interrupted = false
    const room = PAGE_BYTES - (low & PAGE_OFFSET)
    if (bytes > room) {
      const first = this.#translate(h, low, high, room, Access.write)
      if (first < 0) return Request.exception
      const next = nextPage(low, high)
      const second = this.#translate(h, next.low, next.high, bytes - room, Access.write)
      if (second < 0) return Request.exception
      for (let i = 0; i < bytes; i++) {
        const at = i < room ? first + i : second + i - room
        if (!this.#physical.write(h, at, 1, (value >> BigInt(8 * i)) & 0xffn)) {
          this.#fault(h, Cause.storeAccess, low, high)
          return Request.exception
        }
      }
    } else {
      const gpa = this.#translate(h, low, high, bytes, Access.write)
      if (gpa < 0) return Request.exception
      if (!this.#physical.write(h, gpa, bytes, BigInt.asUintN(8 * bytes, value))) {
        this.#fault(h, Cause.storeAccess, low, high)
        return Request.exception
      }
      const page = this.engine.frames.page(gpa)
      if (page >= 0 && h.pmp.isUniform(gpa)) {
        this.engine.tlbs[h.id]?.fillData(h.contextIndex, WRITE, low, high, this.engine.frames.host(gpa, page))
      }
    }
    const changed = this.interrupted || dropped !== this.engine.stats.droppedPages || !h.running
    // Generated code may find it in the state only.
    if (changed) h.request(Request.leaveAfter)
    return changed ? Request.leaveAfter : Request.none
  }

  slowAtomic(state: number, low: number, high: number, bytes: number): number {
    const h = this.#hart(state)
    this.#tlbMisses++
    const gpa = this.#translate(h, low, high, bytes, Access.write)
    if (gpa < 0) return 0
    const page = this.engine.frames.page(gpa)
    // Devices take no atomic operations; an operation needs the right to read as well.
    if (page < 0 || !h.pmp.allows(gpa, bytes, Access.read, h.dataRules.privilege)) {
      return this.#fault(h, Cause.storeAccess, low, high)
    }
    this.engine.willWrite(page)
    const host = this.engine.frames.host(gpa, page)
    if (h.pmp.isUniform(gpa)) this.engine.tlbs[h.id]?.fillData(h.contextIndex, WRITE, low, high, host)
    return host
  }

  #fault(h: Hart, cause: number, low: number, high: number): 0 {
    h.raise(cause, address64(low, high))
    return 0
  }
  // Fetching

  /** Makes the page at pc executable; true when its instruction must run out of line. May raise an exception. */
  fetchPage(h: Hart): boolean {
    const { low, high } = halves(h.pc)
    const gpa = h.walker.translate(low, high, Access.execute, h.fetchRules)
    this.observers.walked(h, low, high, Access.execute, gpa)
    const page = gpa < 0 ? -1 : this.engine.frames.page(gpa)
    // Faults, device memory and pages that PMP divides are met one instruction at a time.
    if (page < 0 || !h.pmp.isUniform(gpa) || !h.pmp.allows(gpa, 2, Access.execute, h.fetchRules.privilege)) return true
    this.onCode(h, page)
    for (const code of this.observers.codes) code.found(h.pc & ~0xfffn, page)
    this.engine.tlbs[h.id]?.fillFetch(h.contextIndex, low, high, this.engine.codeRecords(page))
    return false
  }

  /** Two instruction bytes, or -1 after raising the exception. */
  #fetchHalf(h: Hart, address: bigint): number {
    const { low, high } = halves(address)
    const gpa = h.walker.translate(low, high, Access.execute, h.fetchRules)
    const allowed = gpa >= 0 && h.pmp.allows(gpa, 2, Access.execute, h.fetchRules.privilege)
    const bits = allowed ? this.#physical.read(h, gpa, 2) : undefined
    if (bits !== undefined) return Number(bits)
    h.raise(gpa < 0 ? h.walker.cause : Cause.instructionAccess, BigInt.asUintN(64, address))
    return -1
  }

  /** The instruction at pc, or -1 after raising the exception. */
  #fetch(h: Hart): number {
    const low = this.#fetchHalf(h, h.pc)
    if (low < 0 || (low & 3) !== 3) return low
    const high = this.#fetchHalf(h, h.pc + 2n)
    return high < 0 ? -1 : high * 0x10000 + low
  }

  retired(hart: number): number {
    return Number(this.harts[hart]?.retired ?? 0n)
  }

  outOfLine(state: number): number {
    const h = this.#hart(state)
    const bits = this.#fetch(h)
    if (bits < 0) return 1
    rv64gc.decode(bits | 0, this.#decoded)
    if (this.#decoded.row < 0) this.#decoded.imm = bits | 0
    this.engine.placeOutOfLine(state, this.#decoded)
    if (Number(h.pc & 0xfffn) === PAGE_OFFSET - 1 && this.#decoded.lengthBytes === 4) this.#keepCrossing(h)
    return 0
  }

  /** Lets an instruction that goes on in the next page be found without the host, where both pages are plain RAM. */
  #keepCrossing(h: Hart): void {
    const pages = [h.pc, h.pc + 2n].map(address => {
      const { low, high } = halves(address)
      const gpa = h.walker.translate(low, high, Access.execute, h.fetchRules)
      return gpa >= 0 && h.pmp.isUniform(gpa) ? this.engine.frames.page(gpa) : -1
    }) as [number, number]
    if (pages.every(page => page >= 0)) this.engine.keepCrossing(...pages)
  }

  /** The bits of the instruction at pc, for the tval of an illegal one; 0 when they cannot be read. */
  instructionBits(h: Hart): bigint {
    const bits = this.#fetch(h)
    return bits < 0 ? 0n : BigInt(bits)
  }

  // System instructions

  system(state: number, what: number, a: bigint): bigint {
    const h = this.#hart(state)
    h.request(Request.none)
    return runSystem(this.observers, h, what, BigInt.asUintN(64, a))
  }
}

/** Makes the harts of a machine. */
export function createRiscvCpu(config: RiscvCpuConfig, options: CpuOptions): RiscvCpu {
  return new RiscvCpu(config, options)
}
