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
import { CONTEXT, STATE } from './state.ts'
import { enabledInterrupt, enterTrap } from './trap.ts'
import { type Counter, COUNTERS, readCounter, writeCounter } from './counters.ts'
import { flushRange } from './flush-range.ts'
import { runInPieces } from './pieces.ts'
import { stepLimit } from './step-limit.ts'
import { observedWalk, walkMode } from './walk.ts'

/** A slice has so many exits at least, whatever is left of a turn: what makes them differs between tiers. */
const MIN_EXITS = 1000
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
  /** An access that is watched is made all the same. */
  isPassing = false
  /** Its step at which a debugger stops it, in this slice. */
  #limit = Infinity
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
    for (const field of ['stimecmp', 'reservation'] as const) this.set(field, 0xffff_ffff_ffff_ffffn)
    this.setLong(STATE.fields.priv, 3n)
    this.statusChanged()
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
    this.#limit = stepLimit(this.#cpu.stopAt, this, this.#cpu.harts)
    this.#slice = Math.min(budget, steps ? 1 : Infinity, this.#limit - this.steps)
    this.setWord(STATE.common.budget, this.#slice)
    this.#cpu.endsSlice = undefined
    const end = this.#slices()
    if (end === 'budget') this.#cpu.profile?.note(this.pc, this.privilege === 0)
    this.#retiredBefore = this.retired
    this.#slice = this.word(STATE.common.budget)
    const stops = steps || this.#isAtLimit
    if (stops) this.#cpu.onStepped(this)
    return stops ? 'break' : end
  }
  /** Instructions retired and traps taken. */
  get steps(): number {
    return Number(this.retired) + this.stats.exceptions + this.stats.interrupts
  }
  get #isAtLimit(): boolean {
    return this.#limit !== Infinity && this.steps >= this.#limit
  }

  #slices(): SliceEnd {
    const { observers } = this.#cpu
    // Exceptions retire nothing: a guest whose trap handler traps would otherwise never give the host its turn back.
    for (let turns = Math.max(this.#slice, MIN_EXITS); turns >= 0; turns--) {
      if (!this.#running) return 'stopped'
      if (this.#isAtLimit) return 'break'
      this.#takeInterrupt()
      if (this.#cpu.endsSlice) return this.#cpu.endsSlice
      if (this.waiting) return 'wfi'
      if (this.#isAtLimit) return 'break'
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
    if (cause === Cause.watched) {
      if (this.#cpu.watched(this)) this.#cpu.endsSlice = 'break'
      else this.#pass()
      return
    }
    this.#countTrap('exceptions')
    if (cause === Cause.illegalInstruction && this.tval === 0n) this.tval = this.#cpu.instructionBits(this)
    if (cause === Cause.ecallFromS && this.#cpu.environmentCall) {
      this.#cpu.observers.trap?.(this, { cause, isInterrupt: false, value: 0n })
      this.pc += 4n
      this.#cpu.environmentCall(this)
      return
    }
    this.#trap(cause, false)
  }

  /** Traps are steps as instructions are: the fewer of these are left to a limit. */
  #countTrap(kind: 'exceptions' | 'interrupts'): void {
    this.stats[kind]++
    if (this.#limit !== Infinity) this.#changeSlice(-1)
  }
  #changeSlice(by: number): void {
    this.#slice += by
    this.setWord(STATE.common.budget, this.word(STATE.common.budget) + by)
  }
  /** Runs the instruction at pc, though its access is watched. */
  #pass(): void {
    const rest = this.word(STATE.common.budget) - 1
    this.#changeSlice(-rest)
    this.isPassing = true
    const exit = this.#engine.run(this.id, true)
    this.isPassing = false
    this.#changeSlice(rest)
    if (exit === Exit.exception) this.#takeException()
  }

  #takeInterrupt(): void {
    const cause = this.isStepping ? undefined : enabledInterrupt(this)
    if (cause === undefined) return
    this.#countTrap('interrupts')
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
  interruptPending(): boolean {
    return (this.pendingNow() & this.word(STATE.fields.mie)) !== 0
  }

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
    flushRange(this.#tlb, contextsWith(this.contextIndex), range)
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
