import type { DebugFeature, DebugGoal, DebugPosition, DebugStop, PositionedTarget, WatchKind } from '@doppel/base'
import { halves } from './address.ts'
import { REGISTER_NAMES } from './assembly.ts'
import type { RiscvCpu } from './cpu.ts'
import { CSRS_BY_NAME, IllegalAccess } from './csr.ts'
import type { Hart } from './hart.ts'
import { Access, type WatchedRange } from './pmp.ts'
import { STATE } from './state.ts'
import { totalSteps } from './step-limit.ts'

const PAGE_BYTES = 4096
const PAGE_OFFSET = BigInt(PAGE_BYTES - 1)
const MODES = ['user', 'supervisor', 'reserved', 'machine'] as const

/** A register and where its value is. */
interface Place {
  readonly name: string
  readonly bits: number
  readonly type?: string
  readonly group?: string
  /** Throws `IllegalAccess` where the hart may not do so now. */
  readonly read: (hart: Hart) => bigint
  readonly write: (hart: Hart, value: bigint) => void
}

function jump(hart: Hart, pc: bigint): void {
  hart.pc = pc & ~1n
  hart.outOfLine = false
  hart.waiting = false
}

const general: readonly Place[] = [
  ...REGISTER_NAMES.x.map((name, i): Place => {
    const type = name === 'sp' || name === 'gp' || name === 'tp' ? 'data_ptr' : name === 'ra' ? 'code_ptr' : 'int'
    return { name, bits: 64, type, group: 'general', read: h => h.x(i), write: (h, value) => h.setX(i, value) }
  }),
  { name: 'pc', bits: 64, type: 'code_ptr', group: 'general', read: h => h.pc, write: jump },
]
const csr = (name: string, bits: number, group: string): Place => ({
  name,
  bits,
  type: 'int',
  group,
  read: h => h.readCsr(name),
  write: (h, value) => h.writeCsr(name, value),
})
const FLOAT_CSRS = ['fflags', 'frm', 'fcsr']
const float: readonly Place[] = [
  ...REGISTER_NAMES.f.map((name, i): Place => {
    const write = (h: Hart, value: bigint): void => h.setF(i, value)
    return { name, bits: 64, type: 'ieee_double', group: 'float', read: h => h.f(i), write }
  }),
  ...FLOAT_CSRS.map(name => csr(name, 32, 'float')),
]
const control = [...CSRS_BY_NAME.keys()].filter(name => !FLOAT_CSRS.includes(name)).map(name => csr(name, 64, 'csr'))
const mode: Place = {
  name: 'priv',
  bits: 8,
  type: 'int',
  group: 'general',
  read: h => BigInt(h.privilege),
  write: (h, value) => {
    if (value > 3n || value === 2n) return
    h.setLong(STATE.fields.priv, value)
    h.statusChanged()
  },
}
const FEATURES = [
  { name: 'org.gnu.gdb.riscv.cpu', registers: general },
  { name: 'org.gnu.gdb.riscv.fpu', registers: float },
  { name: 'org.gnu.gdb.riscv.virtual', registers: [mode] },
  { name: 'org.gnu.gdb.riscv.csr', registers: control },
] as const
const PLACES: readonly Place[] = FEATURES.flatMap(({ registers }) => registers)

/** A range that is watched, by the address that it was asked for. */
interface Watchpoint extends WatchedRange {
  readonly address: bigint
  readonly kind: WatchKind
}
const ACCESSES: Readonly<Record<WatchKind, number>> = {
  read: Access.read,
  write: Access.write,
  access: Access.read | Access.write,
}

/** Harts that take turns on this thread, as a debugger drives them. A breakpoint stays with the RAM that its address led to. */
export class RiscvDebug implements PositionedTarget {
  readonly architecture = 'riscv:rv64'
  readonly features: readonly DebugFeature[] = FEATURES
  onStop: ((stop: DebugStop) => void) | undefined
  onPass: ((stop: DebugStop) => void) | undefined
  readonly #cpu: RiscvCpu
  readonly #isDeterministic: boolean
  /** Breakpoints by address, with the RAM page of each that has one. */
  readonly #breakpoints = new Map<bigint, number | undefined>()
  readonly #watchpoints: Watchpoint[] = []

  constructor(cpu: RiscvCpu, { isDeterministic = false }: { readonly isDeterministic?: boolean } = {}) {
    this.#cpu = cpu
    this.#isDeterministic = isDeterministic
    cpu.onEvent = (hart, event) => {
      this.onStop?.({ thread: hart.id, event })
      return this.onStop !== undefined
    }
    cpu.onStepped = hart => this.onStop?.({ thread: hart.id })
    cpu.onBreakpoint = hart => this.#reached(hart)
    cpu.onWatched = hart => this.#watched(hart)
    cpu.onCode = (hart, ramPage) => this.#resolve(hart.pc & ~PAGE_OFFSET, ramPage)
  }

  get threads(): number {
    return this.#cpu.harts.length
  }
  describe(thread: number): string {
    const hart = this.#hart(thread)
    const does = !hart.running ? 'stopped' : hart.waiting ? 'waiting for an interrupt' : MODES[hart.privilege as 0]
    return `hart ${thread}, ${does}`
  }
  #hart(thread: number): Hart {
    return this.#cpu.harts[thread] as Hart
  }

  readRegister(thread: number, register: number): Uint8Array | undefined {
    const place = PLACES[register]
    if (!place) return undefined
    const bytes = new Uint8Array(8)
    try {
      new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, place.read(this.#hart(thread))), true)
    } catch (error) {
      if (error instanceof IllegalAccess) return undefined
      throw error
    }
    return bytes.subarray(0, place.bits / 8)
  }
  writeRegister(thread: number, register: number, bytes: Uint8Array): boolean {
    const place = PLACES[register]
    if (!place || bytes.length !== place.bits / 8) return false
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    try {
      place.write(this.#hart(thread), value)
    } catch (error) {
      if (error instanceof IllegalAccess) return false
      throw error
    }
    return true
  }

  readMemory(thread: number, address: bigint, lengthBytes: number, physical: boolean): Uint8Array {
    const bytes = new Uint8Array(lengthBytes)
    const done = this.#eachPiece(thread, address, bytes, physical, (gpa, piece) =>
      this.#cpu.engine.frames.read(gpa, piece),
    )
    return bytes.subarray(0, done)
  }
  writeMemory(thread: number, address: bigint, bytes: Uint8Array, physical: boolean): boolean {
    const write = (gpa: number, piece: Uint8Array): boolean => this.#cpu.engine.frames.write(gpa, piece)
    return this.#eachPiece(thread, address, bytes, physical, write) === bytes.length
  }
  /** Goes through a range page by page, as far as `use` says true; returns how many bytes that were. */
  #eachPiece(
    thread: number,
    address: bigint,
    bytes: Uint8Array,
    physical: boolean,
    use: (gpa: number, piece: Uint8Array) => boolean,
  ): number {
    let done = 0
    while (done < bytes.length) {
      const at = BigInt.asUintN(64, address + BigInt(done))
      const room = PAGE_BYTES - Number(at & PAGE_OFFSET)
      const piece = bytes.subarray(done, Math.min(done + room, bytes.length))
      const gpa = physical ? Number(at) : this.#physical(this.#hart(thread), at)
      if (gpa === undefined || !use(gpa, piece)) break
      done += piece.length
    }
    return done
  }
  /** Where a hart's address leads, by the page tables in force, whichever mode may use it. */
  #physical(hart: Hart, address: bigint): number | undefined {
    const { low, high } = halves(address)
    const modes = hart.privilege === 3 ? [3] : [1, 0]
    hart.walker.isProbing = true
    const found = modes.map(privilege =>
      hart.walker.translate(low, high, Access.read, { privilege, sum: true, mxr: true }),
    )
    hart.walker.isProbing = false
    return found.find(gpa => gpa >= 0)
  }

  setBreakpoint(thread: number, address: bigint): void {
    if (this.#breakpoints.has(address)) return
    const gpa = this.#physical(this.#hart(thread), address)
    const page = gpa === undefined ? -1 : this.#cpu.engine.frames.page(gpa)
    this.#place(address, page < 0 ? undefined : page)
    // Pages that are new to an address are looked at when they are fetched from.
    if (page < 0) for (const hart of this.#cpu.harts) hart.flushTlb()
  }
  #place(address: bigint, ramPage: number | undefined): void {
    this.#breakpoints.set(address, ramPage)
    if (ramPage !== undefined) this.#cpu.engine.cache.breakpoints.add(ramPage, Number(address & PAGE_OFFSET))
  }
  clearBreakpoint(address: bigint): void {
    const page = this.#breakpoints.get(address)
    this.#breakpoints.delete(address)
    const others = [...this.#breakpoints].some(([at, of]) => of === page && ((at ^ address) & PAGE_OFFSET) === 0n)
    if (page !== undefined && !others) this.#cpu.engine.cache.breakpoints.remove(page, Number(address & PAGE_OFFSET))
  }
  /** Places the breakpoints of a page that had no RAM until now. */
  #resolve(page: bigint, ramPage: number): void {
    for (const [address, known] of this.#breakpoints) {
      if (known === undefined && (address & ~PAGE_OFFSET) === page) this.#place(address, ramPage)
    }
  }
  /** Code of the same RAM at another address has no breakpoint. */
  #reached(hart: Hart): boolean {
    if (!this.#breakpoints.has(hart.pc)) return false
    return this.#stopped({ thread: hart.id })
  }
  /** False where it goes on all the same. */
  #stopped(stop: DebugStop): boolean {
    const tell = this.onPass ?? this.onStop
    tell?.(stop)
    return this.onPass === undefined
  }

  setWatchpoint(thread: number, address: bigint, lengthBytes: number, kind: WatchKind): boolean {
    const gpa = this.#physical(this.#hart(thread), address)
    if (gpa === undefined || lengthBytes < 1 || lengthBytes > PAGE_BYTES - (gpa % PAGE_BYTES)) return false
    this.#watchpoints.push({ address, gpa, lengthBytes, kind, access: ACCESSES[kind] })
    this.#watch()
    return true
  }
  clearWatchpoint(address: bigint, lengthBytes: number, kind: WatchKind): void {
    const at = this.#watchpoints.findIndex(
      w => w.address === address && w.lengthBytes === lengthBytes && w.kind === kind,
    )
    if (at >= 0) this.#watchpoints.splice(at, 1)
    this.#watch()
  }
  /** No hart goes on by what it has cached: accesses to watched pages are looked at one by one. */
  #watch(): void {
    for (const hart of this.#cpu.harts) hart.protect(() => void (hart.pmp.watched = [...this.#watchpoints]))
  }
  #watched(hart: Hart): boolean {
    const address = hart.tval
    // The access may begin before what is watched.
    const found = this.#watchpoints.find(w => address < w.address + BigInt(w.lengthBytes) && address + 8n > w.address)
    const { kind = 'access' } = found ?? {}
    return this.#stopped({ thread: hart.id, watched: { address: found?.address ?? address, kind } })
  }

  position(thread: number): DebugPosition {
    return { thread, steps: this.#hart(thread).steps, total: totalSteps(this.#cpu.harts) }
  }
  stopAt(goal: DebugGoal | undefined): void {
    this.#cpu.stopAt = goal
  }

  stoppingPages(): { readonly written: readonly number[]; readonly run: readonly number[] } | undefined {
    const run = [...this.#breakpoints.values()].filter(page => page !== undefined)
    const isKnown = run.length === this.#breakpoints.size && this.#watchpoints.every(({ kind }) => kind === 'write')
    return isKnown ? { run, written: this.#watchpoints.map(w => this.#cpu.engine.frames.page(w.gpa)) } : undefined
  }

  step(thread: number): 'done' | 'resume' {
    const hart = this.#hart(thread)
    hart.waiting = false
    if (this.#isDeterministic) {
      hart.stepsNext = true
      return 'resume'
    }
    if (!hart.running) return 'done'
    hart.outOfLine = true
    hart.isStepping = true
    hart.run(1)
    hart.isStepping = false
    return 'done'
  }
}
