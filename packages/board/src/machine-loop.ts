import type { Clock, Governor, Pace, RiscvHart, SliceEnd, TimerQueue } from '@doppel/base'
import type { GuestClock } from './guest-clock.ts'
import type { HostWork } from './host-work.ts'
import type { InstructionClock } from './instruction-clock.ts'
import type { HostTasks } from './host-tasks.ts'
import type { TurnPlan } from './turn-plan.ts'
import { areStuck, STUCK_TRAPS } from './stuck-harts.ts'

/** What a loop drives. */
export interface MachineLoopConfig {
  readonly harts: readonly RiscvHart[]
  /** The devices' deadlines, in the guest's time. */
  readonly timers: TimerQueue
  /** The host's time, by which slices are measured. */
  readonly clock: Clock
  readonly guestClock: Pick<GuestClock, 'beginTurn' | 'catchUp'>
  /** The same, where time is a function of instructions: then nothing may hang on how fast the host is. */
  readonly instructionClock?: InstructionClock
  /** With an instruction clock: what the host has to do before the next round. */
  readonly hostWork?: HostWork
  /** With an instruction clock: waits take the host's time too. */
  readonly waits?: () => boolean
  /** With an instruction clock: the order and length of turns; else harts have equal ones in their own order. */
  readonly plan?: TurnPlan
  /** The time counter the harts' own timers compare with, and its frequency. */
  readonly time: () => bigint
  readonly ticksPerSecond: number
  readonly host: HostTasks
  /** Called before each round of slices: wakes suspended harts, looks at mailboxes. */
  readonly beforeRound: () => void
  /** Holds the loop for as long as what it returns is pending: the machine is paused. */
  readonly gate?: () => Promise<void> | undefined
  /** Shares the thread with other machines. */
  readonly governor?: Governor
  /** True for a hart that does not run but may begin again by an interrupt or its own timer. */
  readonly isSuspended: (hartId: number) => boolean
  /** Fixes the slice, in instructions; without it slices follow the machine's speed. */
  readonly sliceInstructions?: number
}

/** A slice of a lone hart aims at this: short enough for timers, long enough that starting it costs nothing. */
const SLICE_NS = 1_000_000
const MIN_SLICE = 10_000
const MAX_SLICE = 2_000_000
/** Harts that spin on one another must take turns quickly. */
const MAX_SHARED_SLICE = 40_000
const FIRST_SLICE = 40_000
/** The event loop gets a turn at least this often. */
const YIELD_NS = 4_000_000
/** A sleep without a deadline looks up now and then; its timer also keeps a host with no other work from exiting. */
const MAX_SLEEP_MS = 60_000
/** Nobody who types sees that a shorter wait takes none of the host's time; disks are waited for all the time. */
const WAITED_NS = 1_000_000
/** How much later than asked for a host's timer may fire. */
const TIMER_ERROR_MS = 1.5

/** What a loop with an instruction clock remembers between rounds; each list has an entry for each hart. */
export interface LoopMoment {
  readonly waiting: readonly boolean[]
  readonly triedDeadline: readonly (bigint | undefined)[]
  readonly fruitless: readonly number[]
  readonly turns: number
  /** Where the plan of turns was. */
  readonly plan: number | undefined
}

/** A hart's turn: how many had theirs before it in this round, when it began, and how many instructions it has. */
interface Turn {
  readonly hart: RiscvHart
  readonly before: number
  readonly beganNs: number
  readonly retired: bigint
  readonly budget: number
}

/** Runs a machine's harts in turn on one thread, waiting when they all wait. */
export class MachineLoop {
  readonly #config: MachineLoopConfig
  /** Harts whose last slice ended in WFI. */
  readonly #waiting: boolean[]
  /** The deadline a hart was last run for: one that is past, with its interrupt off, must not wake it over and over. */
  readonly #triedDeadline: (bigint | undefined)[]
  /** How many turns in a row a hart has used up, by trapping, without retiring an instruction. */
  readonly #fruitless: number[]
  #budget: number
  #brokenOff: Turn | undefined
  /** Of the round under way. */
  #order: readonly RiscvHart[] = []
  /** How many harts had a turn in the last round. */
  #turns = 1
  #wakeSleeper: (() => void) | undefined
  /** Something happened that may end a wait; set also while running, so that the next sleep does not miss it. */
  #eventful = false

  constructor(config: MachineLoopConfig) {
    this.#config = config
    this.#waiting = config.harts.map(() => false)
    this.#triedDeadline = config.harts.map(() => undefined)
    this.#fruitless = config.harts.map(() => 0)
    this.#budget = config.sliceInstructions ?? FIRST_SLICE
  }

  /** Ends a wait: an interrupt line moved, or the machine is to stop. */
  wake(): void {
    this.#eventful = true
    this.#wakeSleeper?.()
  }

  /** Between rounds. */
  save(): LoopMoment {
    const [waiting, triedDeadline] = [this.#waiting.slice(), this.#triedDeadline.slice()]
    const plan = this.#config.plan?.save()
    return { waiting, triedDeadline, fruitless: this.#fruitless.slice(), turns: this.#turns, plan }
  }
  /** Goes on between those rounds; a turn that was broken off is no more. */
  restore({ waiting, triedDeadline, fruitless, turns, plan }: LoopMoment): void {
    if (plan !== undefined) this.#config.plan?.restore(plan)
    this.#waiting.splice(0, Infinity, ...waiting)
    this.#triedDeadline.splice(0, Infinity, ...triedDeadline)
    this.#fruitless.splice(0, Infinity, ...fruitless)
    this.#turns = turns
    this.#brokenOff = undefined
  }

  /** The id of the first hart that only traps, once `run` has said 'stuck'. */
  stuckHart(): number {
    return this.#fruitless.findIndex(turns => turns >= STUCK_TRAPS)
  }

  /**
   * Runs until `isOver`, until every hart has stopped for good ('halted'), or until each that runs only traps in its
   * own trap handler ('stuck').
   */
  async run(isOver: () => boolean): Promise<'over' | 'halted' | 'stuck'> {
    const { harts, timers, clock, host, beforeRound, isSuspended, governor } = this.#config
    let yieldedNs = clock.monotonicNs()
    while (!isOver()) {
      const paused = this.#config.gate?.()
      // One that is paused must not keep others waiting for it.
      if (paused) governor?.idle()
      const held = paused ?? governor?.gate()
      if (held) {
        await held
        continue
      }
      timers.runDue()
      if (this.#config.hostWork?.isPending) await this.#settle()
      if (!this.#brokenOff) beforeRound()
      if (isOver()) break
      // Whoever looks on before a round may hold it.
      if (this.#config.gate?.()) continue
      this.#eventful = false
      const beganNs = governor ? clock.monotonicNs() : 0
      const pace = governor?.pace?.(this.#nextTimerNs())
      const ran = this.#round(isOver, pace)
      governor?.ran(clock.monotonicNs() - beganNs)
      if (isOver()) break
      if (this.#isStuck()) {
        // What the guest said before it went wrong still counts.
        beforeRound()
        return isOver() ? 'over' : 'stuck'
      }
      if (!ran) {
        if (!harts.some(hart => hart.running || isSuspended(hart.id))) return 'halted'
        await this.#sleep()
        yieldedNs = clock.monotonicNs()
      } else if (this.#config.instructionClock || clock.monotonicNs() - yieldedNs >= (pace?.yieldNs ?? YIELD_NS)) {
        await host.yield()
        yieldedNs = clock.monotonicNs()
      } else {
        // Completions that need no turn of the event loop (memory-backed disks) get theirs after every round.
        await Promise.resolve()
      }
    }
    // Who stops it from outside does so anywhere between rounds; what is due there counts, as it does when a tape ends the run.
    if (this.#config.instructionClock) {
      timers.runDue()
      await this.#settle()
    }
    return 'over'
  }
  /** Stands still, by the machine's time, while the host does its part. */
  async #settle(): Promise<void> {
    this.#config.governor?.idle()
    await this.#config.hostWork?.settle()
  }

  #isStuck(): boolean {
    const { harts, isSuspended } = this.#config
    return areStuck(
      harts,
      isSuspended,
      id => this.#fruitless[id] ?? 0,
      id => this.#waiting[id] === true,
    )
  }

  /** A turn for each hart that has something to do; false when none had. A turn that a debugger has broken off goes on first. */
  #round(isOver: () => boolean, pace: Pace | undefined): boolean {
    let turns = this.#brokenOff?.before ?? 0
    const { harts, plan } = this.#config
    if (!this.#brokenOff) this.#order = plan?.order(harts) ?? harts
    for (const hart of this.#order) {
      const brokenOff = this.#brokenOff
      if (brokenOff ? brokenOff.hart !== hart : !this.#hasTurn(hart)) continue
      // Who else has a turn is known only afterwards: as many as the last time.
      const turn = brokenOff ?? this.#begin(hart, this.#turns, pace, turns)
      this.#brokenOff = this.#go(turn) ? undefined : turn
      if (this.#brokenOff) return true
      turns++
      if (isOver()) break
    }
    this.#turns = Math.max(turns, 1)
    return turns > 0
  }
  #hasTurn(hart: RiscvHart): boolean {
    return hart.running && (!this.#waiting[hart.id] || this.#mayContinue(hart))
  }

  #begin(hart: RiscvHart, turns: number, pace: Pace | undefined, before: number): Turn {
    const { clock, guestClock } = this.#config
    guestClock.beginTurn(() => Number(hart.retired), turns)
    const beganNs = clock.monotonicNs()
    return { hart, before, beganNs, retired: hart.retired, budget: this.#budgetOf(turns, pace) }
  }
  /** Runs a turn to its end; false when a debugger has broken it off. */
  #go(turn: Turn): boolean {
    const { hart, budget } = turn
    const { instructionClock } = this.#config
    const ran = (): number => Number(hart.retired - turn.retired)
    let end: SliceEnd
    let before: number
    do {
      before = ran()
      end = before < budget ? hart.run(budget - before) : 'budget'
      if (end === 'break') return false
      // Where turns are counted, what ends a slice early does not end the turn.
    } while (instructionClock && end === 'budget' && ran() > before)
    instructionClock?.endTurn()
    this.#waiting[hart.id] = end === 'wfi'
    this.#judge(turn, end, ran())
    return true
  }
  /** Notes a turn that led nowhere, and how long the next ones may be. */
  #judge({ hart, beganNs, budget }: Turn, end: SliceEnd, ran: number): void {
    const fruitless = end === 'budget' && ran === 0
    this.#fruitless[hart.id] = fruitless ? (this.#fruitless[hart.id] ?? 0) + budget : 0
    if (end !== 'budget' || this.#config.sliceInstructions !== undefined) return
    const tookNs = this.#config.clock.monotonicNs() - beganNs
    const limit = this.#config.harts.length > 1 ? MAX_SHARED_SLICE : MAX_SLICE
    if (tookNs > 2 * SLICE_NS) this.#budget = Math.max(MIN_SLICE, Math.floor((ran * SLICE_NS) / tookNs))
    else if (tookNs < SLICE_NS / 2 && budget === this.#budget) this.#budget = Math.min(limit, this.#budget * 2)
  }

  #budgetOf(turns: number, pace: Pace | undefined): number {
    const { instructionClock } = this.#config
    if (!instructionClock) return Math.min(this.#budget, Math.ceil((pace?.instructions ?? Infinity) / turns))
    const budget = this.#config.plan?.instructions(this.#budget) ?? this.#budget
    return Math.min(budget, instructionClock.instructionsIn(this.#nextTimerNs(), turns))
  }

  #mayContinue(hart: RiscvHart): boolean {
    if (hart.interruptPending()) return true
    const deadline = hart.timerDeadline()
    if (deadline === undefined || deadline > this.#config.time() || deadline === this.#triedDeadline[hart.id])
      return false
    this.#triedDeadline[hart.id] = deadline
    return true
  }

  async #sleep(): Promise<void> {
    const { host, timers, guestClock, clock, governor } = this.#config
    // Work that is ready without a timer first: a completion may already be on its way.
    await Promise.resolve()
    if (this.#eventful) return
    guestClock.catchUp()
    const beganNs = clock.monotonicNs()
    const remainingMs = Math.min(this.#hartDeadlineMs(), (timers.nextDeadlineNs() - timers.clock.monotonicNs()) / 1e6)
    const inNs = Math.max(remainingMs, 0) * 1e6
    const { instructionClock, waits } = this.#config
    const isShort = inNs < WAITED_NS
    if (instructionClock && inNs < Infinity && (isShort || waits?.() !== true)) return instructionClock.skip(inNs)
    const isPrompt = governor?.isPrompt === true && inNs < Infinity
    governor?.idle({ inNs, wake: () => this.wake() })
    const wholeMs = isPrompt ? Math.floor(remainingMs - TIMER_ERROR_MS) : Math.ceil(remainingMs)
    if (!isPrompt || wholeMs > 0) {
      const sleep = host.sleep(Math.min(Math.max(wholeMs, 0), MAX_SLEEP_MS))
      this.#wakeSleeper = () => sleep.wake()
      await sleep.done
    }
    while (isPrompt && !this.#eventful && clock.monotonicNs() - beganNs < inNs) await this.#yieldUnlessWoken()
    guestClock.catchUp()
    this.#wakeSleeper = undefined
    // Whoever was woken earlier has not waited at all, in the machine's time.
    if (inNs < Infinity && !this.#eventful) instructionClock?.skip(inNs)
  }

  /** A turn of the event loop, or less if there is something to do. */
  async #yieldUnlessWoken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wakeSleeper = resolve
    await Promise.race([this.#config.host.yield(), promise])
  }

  /** Nanoseconds to the next timer of a device's or a running hart's that has yet to fire. */
  #nextTimerNs(): number {
    const { harts, timers, time, ticksPerSecond } = this.#config
    const deviceNs = timers.nextDeadlineNs() - timers.clock.monotonicNs()
    const now = time()
    let earliest = deviceNs
    for (const hart of harts) {
      const deadline = hart.running ? hart.timerDeadline() : undefined
      if (deadline === undefined || deadline <= now) continue
      earliest = Math.min(earliest, (Number(deadline - now) / ticksPerSecond) * 1e9)
    }
    return earliest
  }

  /** Milliseconds to the first future deadline of a hart's own timer. */
  #hartDeadlineMs(): number {
    const { harts, time, ticksPerSecond, isSuspended } = this.#config
    const now = time()
    let earliest = Infinity
    for (const hart of harts) {
      const deadline = hart.running || isSuspended(hart.id) ? hart.timerDeadline() : undefined
      if (deadline === undefined) continue
      if (deadline <= now) {
        // Passed since the round looked, unless it has had its look already.
        if (this.#triedDeadline[hart.id] !== deadline) earliest = 0
        if (!hart.running) this.#triedDeadline[hart.id] = deadline
        continue
      }
      earliest = Math.min(earliest, (Number(deadline - now) / ticksPerSecond) * 1000)
    }
    return earliest
  }
}
