import type { Privilege, RiscvHart, SliceEnd } from '@doppel/base'
import { type Engine, Exit, Request, type Tlb } from '@doppel/engine'
import { Cause, Irq } from './causes.ts'
import type { RiscvCpu } from './cpu.ts'
import { csrNamed, IllegalAccess, Menvcfg, Mstatus } from './csr.ts'
import { HartRegisters } from './hart-registers.ts'
import type { RiscvMachine } from './machine.ts'
import { type AccessRules, contextFor, contextsWith, dataRules } from './access-rules.ts'
import { parseSatp, Walker } from './paging.ts'
import { Pmp } from './pmp.ts'
import type { HartPrivateState } from './saved.ts'
import { CONTEXT, STATE, type StateField } from './state.ts'
import { enabledInterrupt, enterTrap } from './trap.ts'
import { type Counter, COUNTERS, readCounter, writeCounter } from './counters.ts'
import { runInPieces } from './pieces.ts'
import { observedWalk, walkMode } from './walk.ts'

const PRIVILEGE_M = 3
const PRIVILEGE_S = 1
const STI = 1 << Irq.sti

/** One RISC-V hart: its architectural state beside registers, traps, and the loop around generated code. */
export class Hart extends HartRegisters implements RiscvHart {
  readonly id: number
  readonly pmp: Pmp = new Pmp()
  readonly walker: Walker
  waiting = false
  readonly stats = { exceptions: 0, interrupts: 0 }
  readonly #cpu: RiscvCpu
  readonly #engine: Engine<RiscvMachine>
  #running = false
  #otherRules = ''
  #retiredBefore = 0n
  #slice = 0
  /** The next instruction runs out of line: its record may say something else. */
  outOfLine = false
  #isAnnounced = false
  /** An sret or mret has been done that somebody is to be told of, once registers are stored. */
  hasReturned = false
  /** A debugger has it run one instruction. */
  isStepping = false
  /** Its next slice is one instruction, with interrupts taken as they come, and is broken off then. */
  stepsNext = false
  /** 1 while an instruction asks, which counts as retired already; 0 for the host between slices. */
  #underWay = 1n

  /** Where another thread has made the hart already, `isNew` is false: its state is left alone. */
  constructor(id: number, cpu: RiscvCpu, engine: Engine<RiscvMachine>, isNew: boolean) {
    super(engine.memory.buffer, engine.state(id))
    this.id = id
    this.#cpu = cpu
    this.#engine = engine
    this.walker = new Walker(engine.frames, new Int32Array(engine.memory.buffer), this.pmp)
    this.walker.onLarge = (low, high) => this.#tlb.noteLarge(low, high)
    if (!isNew) return
    this.setWord(STATE.common.tlb, engine.tlbs[id]?.context(0) ?? 0)
    this.setLong(STATE.fields.stimecmp, 0xffff_ffff_ffff_ffffn)
    this.setLong(STATE.fields.reservation, 0xffff_ffff_ffff_ffffn)
    this.setLong(STATE.fields.priv, 3n)
    this.statusChanged()
  }

  get privilege(): number {
    return this.word(STATE.fields.priv)
  }
  // Generated code changes mstatus too, so what follows from it is found when it is asked for.

  /** What data accesses are allowed now. */
  get dataRules(): AccessRules {
    return dataRules(this.word(STATE.fields.mstatus), this.privilege)
  }
  /** What fetches are allowed now. */
  get fetchRules(): AccessRules {
    return { ...this.dataRules, privilege: this.privilege }
  }
  /** The translation context in force. */
  get contextIndex(): number {
    return this.#tlb.indexOf(this.word(STATE.common.context))
  }
  get #tlb(): Tlb {
    return this.#engine.tlbs[this.id] as Tlb
  }
  /** Asks the code that called the host to raise an exception. */
  raise(cause: number, tval: bigint): void {
    this.setWord(STATE.common.cause, cause)
    this.tval = tval
    this.setWord(STATE.common.request, Request.exception)
  }
  request(what: number): void {
    this.setWord(STATE.common.request, what)
  }

  // Life

  get running(): boolean {
    return this.#running
  }
  start(entry: { readonly pc: bigint; readonly privilege: Privilege; readonly a0: bigint; readonly a1: bigint }): void {
    this.setLong(STATE.fields.priv, BigInt(entry.privilege))
    this.setLong(STATE.fields.mstatus, 0n)
    this.setLong(STATE.fields.fs, 0n)
    this.setLong(STATE.fields.satp, 0n)
    this.walker.satp = { levels: 0, root: 0 }
    this.pc = entry.pc
    this.setX(10, entry.a0)
    this.setX(11, entry.a1)
    this.waiting = false
    this.#running = true
    this.statusChanged()
    this.#tlb.flush(contextsWith(this.contextIndex))
  }
  stop(): void {
    this.#running = false
    this.request(Request.leaveAfter)
  }

  /** TLB misses of loads and stores that generated code has seen to. */
  get tlbMisses(): number {
    return this.word(STATE.common.misses)
  }
  /** Instructions retired since creation. */
  get retired(): bigint {
    return this.#retiredBefore + BigInt(this.#slice - this.word(STATE.common.budget))
  }

  run(budget: number): SliceEnd {
    return this.#cpu.observers.cutsSlices ? runInPieces(this, this.#cpu, budget) : this.runSlice(budget)
  }
  runSlice(budget: number): SliceEnd {
    const steps = this.stepsNext
    this.stepsNext = false
    if (steps) this.outOfLine = true
    this.#slice = steps ? Math.min(budget, 1) : budget
    this.setWord(STATE.common.budget, this.#slice)
    this.#cpu.endsSlice = undefined
    const end = this.#slices()
    if (end === 'budget') this.#cpu.profile?.note(this.pc, this.privilege === 0)
    this.#retiredBefore = this.retired
    this.#slice = this.word(STATE.common.budget)
    if (steps) this.#cpu.onStepped(this)
    return steps ? 'break' : end
  }

  #slices(): SliceEnd {
    const { observers } = this.#cpu
    // Exceptions retire nothing: a guest whose trap handler traps would otherwise never give the host its turn back.
    for (let turns = this.#slice; turns >= 0; turns--) {
      if (!this.#running) return 'stopped'
      this.#takeInterrupt()
      if (this.#cpu.endsSlice) return this.#cpu.endsSlice
      if (this.waiting) return 'wfi'
      if (observers.instruction && !this.#isAnnounced && this.word(STATE.common.budget) > 0) observers.instruction(this)
      const exit = this.#engine.run(this.id, this.outOfLine)
      this.outOfLine = false
      this.#isAnnounced = exit === Exit.fetch || exit === Exit.breakpoint
      if (this.hasReturned) observers.tellReturn(this)
      if (exit === Exit.budget) return 'budget'
      if (exit === Exit.exception) this.#takeException()
      else if (exit === Exit.fetch) this.outOfLine = this.#cpu.fetchPage(this)
      // Whoever goes on from a breakpoint runs the instruction that it stands at.
      else if (exit === Exit.breakpoint && (this.outOfLine = true) && this.#cpu.reached(this)) return 'break'
      if (this.#cpu.endsSlice) return this.#cpu.endsSlice
    }
    return 'budget'
  }

  // Traps (Priv. §3.1.6–3.1.8, §4.1)

  #takeException(): void {
    const cause = this.word(STATE.common.cause)
    if (cause === Cause.watched) return this.#cpu.watched(this)
    this.stats.exceptions++
    if (cause === Cause.illegalInstruction && this.tval === 0n) this.tval = this.#cpu.instructionBits(this)
    if (cause === Cause.ecallFromS && this.#cpu.environmentCall) {
      this.#cpu.observers.trap?.(this, { cause, isInterrupt: false, value: 0n })
      this.pc += 4n
      this.#cpu.environmentCall(this)
      return
    }
    this.#trap(cause, false)
  }

  #takeInterrupt(): void {
    const cause = this.isStepping ? undefined : enabledInterrupt(this)
    if (cause === undefined) return
    this.stats.interrupts++
    this.outOfLine = false
    this.#isAnnounced = false
    this.#trap(cause, true)
  }
  #trap(cause: number, interrupt: boolean): void {
    this.#cpu.observers.trap?.(this, { cause, isInterrupt: interrupt, value: interrupt ? 0n : this.tval })
    enterTrap(this, cause, interrupt)
    this.statusChanged()
  }

  // What CSR writes bring about

  /** Privilege or mstatus changed: choose the translation context, and look at interrupts anew. */
  statusChanged(): void {
    const privilege = this.privilege
    const rules = this.dataRules
    const { privilege: dataPrivilege, sum, mxr } = rules
    const tlb = this.#tlb
    const context = contextFor(privilege, mxr, sum)
    if (context === CONTEXT.other) {
      const other = `${privilege} ${dataPrivilege} ${sum} ${mxr}`
      if (other !== this.#otherRules) tlb.flush()
      this.#otherRules = other
    }
    this.setWord(STATE.common.context, tlb.context(context))
    tlb.use(contextsWith(context))
    this.#describeWalk(rules)
    this.request(Request.leaveAfter)
  }
  /** Tells the page-table walk in generated code what it goes by. */
  #describeWalk(rules = this.dataRules): void {
    const { satp } = this.walker
    this.setWord(
      STATE.fields.walk,
      observedWalk(walkMode(satp, rules, this.privilege, this.pmp.isOpen), this.#cpu.observers),
    )
    this.setWords(STATE.fields.root, satp.root | 0, Math.floor(satp.root / 2 ** 32))
  }
  interruptsChanged(): void {
    this.request(Request.leaveAfter)
  }
  environmentChanged(): void {
    const menvcfg = this.long(STATE.fields.menvcfg)
    this.walker.updatesAccessed = (menvcfg & Menvcfg.adue) !== 0n
    this.walker.memoryTypes = (menvcfg & Menvcfg.pbmte) !== 0n
    this.#flushAll()
  }
  protect(change: () => void): void {
    change()
    this.#flushAll()
  }
  satp(): bigint {
    this.#needPaging()
    return this.long(STATE.fields.satp)
  }
  setSatp(value: bigint): void {
    this.#needPaging()
    const satp = parseSatp(value)
    // Writing a mode that is not there changes nothing at all (Priv. §"satp").
    if (!satp) return
    // No address space identifiers are kept: ASIDLEN is 0.
    this.setLong(STATE.fields.satp, value & ~(0xffffn << 44n))
    this.walker.satp = satp
    this.#flushAll()
  }
  #needPaging(): void {
    if (this.privilege === PRIVILEGE_S && (this.long(STATE.fields.mstatus) & Mstatus.tvm) !== 0n)
      throw new IllegalAccess()
  }
  #flushAll(): void {
    this.#tlb.flush(contextsWith(this.contextIndex))
    this.#describeWalk()
    this.request(Request.leaveAfter)
  }
  needFloat(): void {
    if (this.long(STATE.fields.fs) === 0n) throw new IllegalAccess()
  }
  setFloat(field: 'fflags' | 'frm', value: bigint): void {
    this.needFloat()
    this.set(field, value)
    this.setLong(STATE.fields.fs, 3n)
  }

  // Counters and time

  needCounter(index: number): void {
    const allowed = (field: StateField): boolean => ((this.get(field) >> BigInt(index)) & 1n) !== 0n
    if (this.privilege < PRIVILEGE_M && !allowed('mcounteren')) throw new IllegalAccess()
    if (this.privilege < PRIVILEGE_S && !allowed('scounteren')) throw new IllegalAccess()
  }
  /** The counter as the instruction now running sees it: itself not counted. */
  counter(name: Counter): bigint {
    return readCounter(this, name, this.retired - this.#underWay)
  }
  /** The instruction that writes a counter does not count up what it wrote. */
  setCounter(name: Counter, value: bigint): void {
    writeCounter(this, name, value, this.retired)
  }
  /** mcountinhibit: an inhibited counter keeps its value, a free one the difference to the instructions retired. */
  inhibitCounters(inhibit: bigint): void {
    const values = COUNTERS.map(name => [name, this.counter(name)] as const)
    this.setLong(STATE.fields.mcountinhibit, inhibit)
    for (const [name, value] of values) this.setCounter(name, value)
  }
  time(): bigint {
    return this.#cpu.time()
  }
  /** Checks that S-mode may use stimecmp (Sstc); passes a value through. */
  supervisorTimer(value: bigint): bigint {
    if (this.privilege === PRIVILEGE_M) return value
    if ((this.long(STATE.fields.menvcfg) & Menvcfg.stce) === 0n) throw new IllegalAccess()
    this.needCounter(1)
    return value
  }
  setSupervisorTimer(value: bigint): void {
    this.setLong(STATE.fields.stimecmp, value)
  }
  timerDeadline(): bigint | undefined {
    const deadline = this.long(STATE.fields.stimecmp)
    return this.#hasTimer() && deadline !== 0xffff_ffff_ffff_ffffn ? deadline : undefined
  }
  #hasTimer(): boolean {
    return this.#cpu.environmentCall !== undefined || (this.long(STATE.fields.menvcfg) & Menvcfg.stce) !== 0n
  }

  // Interrupts

  setInterrupt(bit: number, level: boolean): void {
    const mask = 1 << bit
    this.changeBits('lines', level ? 0 : mask, level ? mask : 0)
    if (!level) return
    this.changeBits('seen', 0, mask)
    this.#cpu.interrupted = true
  }
  /** Clears and sets bits of mip that software writes. */
  changeInterrupts(clear: bigint, set: bigint): void {
    this.changeBits('mip', Number(clear), Number(set))
  }
  wait(): void {
    this.waiting = !this.interruptPending()
    this.request(Request.leaveAfter)
  }
  /** mip as software reads it. */
  pending(): bigint {
    return BigInt(this.pendingNow())
  }
  /** The same as a number: all interrupts have bits below 16. */
  pendingNow(): number {
    let pending = this.word(STATE.fields.mip) | this.word(STATE.fields.lines)
    if (this.#hasTimer())
      pending = this.#cpu.timerTime() >= this.long(STATE.fields.stimecmp) ? pending | STI : pending & ~STI
    this.setWord(STATE.fields.seen, pending)
    return pending
  }
  /** Bits of mip that M-mode may write: STIP only while Sstc does not drive it. */
  writableInterrupts(): bigint {
    const sti = (this.long(STATE.fields.menvcfg) & Menvcfg.stce) === 0n ? 1n << BigInt(Irq.sti) : 0n
    return (1n << BigInt(Irq.ssi)) | (1n << BigInt(Irq.sei)) | sti
  }
  interruptPending(): boolean {
    return (this.pendingNow() & this.word(STATE.fields.mie)) !== 0
  }

  // Snapshots: see saved.ts

  savePrivate(): HartPrivateState {
    return { running: this.#running, lines: this.long(STATE.fields.lines), retired: this.retired }
  }
  restorePrivate({ running, lines, retired }: HartPrivateState): void {
    this.setLong(STATE.fields.lines, lines)
    this.adopt(running, retired)
  }
  /** Takes over from another thread's object for this hart, whose state is in memory. */
  adopt(running: boolean, retired: bigint): void {
    this.#running = running
    // Whatever the other one has filled is to be flushed.
    this.#tlb.use(-1)
    this.#retiredBefore = retired
    this.#slice = this.word(STATE.common.budget)
    this.outOfLine = false
    this.waiting = false
  }

  // For boards and debuggers

  flushTlb(range?: { readonly start: bigint; readonly lengthBytes: bigint }): void {
    const few = 64n * 4096n
    if (!range || range.lengthBytes > few) return this.#tlb.flush(contextsWith(this.contextIndex))
    for (let at = range.start; at < range.start + range.lengthBytes; at += 4096n) {
      const [low, high] = [Number(BigInt.asIntN(32, at)), Number(BigInt.asIntN(32, at >> 32n))]
      this.#tlb.flushPage(low, high, contextsWith(this.contextIndex))
    }
  }
  flushInstructions(): void {
    // What this thread writes is seen as it happens.
    this.#engine.synchronizeCode()
  }
  readCsr(name: string): bigint {
    this.#underWay = 0n
    try {
      return csrNamed(name).read(this)
    } finally {
      this.#underWay = 1n
    }
  }
  writeCsr(name: string, value: bigint): void {
    this.#underWay = 0n
    try {
      csrNamed(name).write?.(this, BigInt.asUintN(64, value))
    } finally {
      this.#underWay = 1n
    }
  }
}
