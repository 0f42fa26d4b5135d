import { type DebugGoal, type DebugStop, DoppelError, type PositionedTarget } from '@doppel/base'
import type { Checkpoint } from './checkpoints.ts'
import type { Timeline } from './timeline.ts'

/** Where going back has led. */
export interface Landing extends DebugStop {
  /** The beginning of all that is known. */
  readonly isStart: boolean
}

/** A debugger's way back. All are asked for while the machine stands still, and leave it so. */
export interface Travel {
  /** To before a thread's last step. Throws `travel.diverged`. */
  stepBack(thread: number): Promise<Landing>
  /**
   * To the last time that a breakpoint was reached or what is watched accessed, of those times that are wanted: asked when a thread
   * comes by; or to the start. Throws `travel.diverged`.
   */
  continueBack(thread: number, isWanted?: (stop: DebugStop) => boolean): Promise<Landing>
  /** To the moment with so many steps of all threads, or as near as is known. Throws `travel.diverged`. */
  goTo(total: number): Promise<void>
  /** Has a search end where it began. */
  interrupt(): void
  /** The debugger has changed the machine: what was before does not lead here any more. */
  changed(): void
}

/** What stopped, and after how many steps of all threads. */
interface Hit {
  readonly stop: DebugStop
  readonly total: number
}

/** A machine's life, as far as going back needs it. */
interface Pausable {
  pause(): Promise<void>
  resume(): void
}

/** Goes back in a machine's run: to a checkpoint, and from there on again as far as is wanted. */
export class TimeTravel<Moment> implements Travel {
  readonly #timeline: Timeline<Moment>
  readonly #target: PositionedTarget
  readonly #machine: Pausable
  #isInterrupted = false
  #giveUp: (() => void) | undefined

  constructor(timeline: Timeline<Moment>, target: PositionedTarget, machine: Pausable) {
    this.#timeline = timeline
    this.#target = target
    this.#machine = machine
  }
  interrupt(): void {
    // Whoever asks twice does not believe that it ever comes there.
    if (this.#isInterrupted) this.#giveUp?.()
    this.#isInterrupted = true
  }
  changed(): void {
    this.#timeline.forget()
  }

  async stepBack(thread: number): Promise<Landing> {
    this.#isInterrupted = false
    const { steps, total } = this.#target.position(thread)
    const from = this.#timeline.checkpoints.findLast(c => c.at < total && (c.steps[thread] ?? 0) < steps)
    if (!from) return this.#toStart(thread)
    this.#timeline.returnTo(from)
    if (from.steps[thread] !== steps - 1) await this.#run({ thread, steps: steps - 1 }, total)
    return { thread, isStart: false }
  }

  async continueBack(thread: number, isWanted: (stop: DebugStop) => boolean = () => true): Promise<Landing> {
    this.#isInterrupted = false
    const here = this.#target.position(thread).total
    await this.#bringNear(here)
    for (let end = here; ; ) {
      const { checkpoints } = this.#timeline
      const from = checkpoints.findLast(({ at }) => at < end)
      if (!from) return this.#toStart(thread)
      const next = checkpoints.find(({ at }) => at === end)
      const hit = !next || this.#mayHit(next) ? await this.#lastHit(from, end, isWanted) : undefined
      if (hit) return await this.#land(hit)
      end = from.at
      if (!this.#isInterrupted) continue
      await this.#bring(here)
      return { thread, isStart: false }
    }
  }
  async goTo(total: number): Promise<void> {
    const first = this.#timeline.checkpoints[0]?.at
    if (first !== undefined) await this.#bring(Math.max(total, first))
  }
  #toStart(thread: number): Landing {
    const first = this.#timeline.checkpoints[0]
    if (first) this.#timeline.returnTo(first)
    return { thread, isStart: true }
  }
  /** Whether there may be a hit between the checkpoint before and this one, going by the pages written and run there. */
  #mayHit(next: Checkpoint<Moment>): boolean {
    const pages = this.#target.stoppingPages()
    return !pages || pages.written.some(page => next.pages.has(page)) || pages.run.some(page => next.run.has(page))
  }

  /** The last hit between a checkpoint and a later moment. */
  async #lastHit(
    from: Checkpoint<Moment>,
    end: number,
    isWanted: (stop: DebugStop) => boolean,
  ): Promise<Hit | undefined> {
    let last: Hit | undefined
    this.#timeline.returnTo(from)
    await this.#run({ total: end }, undefined, stop => {
      const { total } = this.#target.position(stop.thread)
      if (total < end && isWanted(stop)) last = { stop, total }
    })
    return last
  }
  /** What is watched is told of once it has been accessed: who goes back from there undoes that. */
  async #land({ stop, total }: Hit): Promise<Landing> {
    await this.#bring(stop.watched ? total + 1 : total)
    return { ...stop, isStart: false }
  }

  /** Brings the machine to a moment that it has been at. */
  async #bring(total: number): Promise<void> {
    const from = this.#timeline.checkpoints.findLast(({ at }) => at <= total)
    if (!from) return
    this.#timeline.returnTo(from)
    if (from.at < total) await this.#run({ total }, total)
  }
  /** Sees to a checkpoint shortly before the moment at which the machine stands. */
  async #bringNear(here: number): Promise<void> {
    const from = this.#timeline.checkpoints.findLast(({ at }) => at < here)
    if (!from || this.#timeline.isNear(from, here)) return
    this.#timeline.returnTo(from)
    await this.#run({ total: here }, here)
  }

  /** Lets the machine go on to a goal; what it comes by is told to `pass`. A checkpoint is left near `fineBefore`. */
  async #run(
    goal: DebugGoal,
    fineBefore: number | undefined,
    pass: (stop: DebugStop) => void = () => undefined,
  ): Promise<void> {
    const target = this.#target
    const { onStop } = target
    const arrived = Promise.withResolvers<void>()
    const arrive = (): void => {
      // At once, before any more of it runs.
      void this.#machine.pause()
      arrived.resolve()
    }
    const end = 'total' in goal ? goal.total : (fineBefore ?? Infinity)
    this.#timeline.onRound = total => {
      if (total >= end) arrive()
    }
    this.#timeline.fineBefore = fineBefore
    target.onStop = arrive
    target.onPass = pass
    target.stopAt(goal)
    this.#timeline.onLateEnd = this.#giveUp = arrive
    try {
      this.#machine.resume()
      await arrived.promise
      await this.#machine.pause()
    } finally {
      target.stopAt(undefined)
      target.onPass = undefined
      target.onStop = onStop
      this.#timeline.onRound = this.#timeline.fineBefore = this.#timeline.onLateEnd = this.#giveUp = undefined
    }
    this.#check(goal)
  }
  #check(goal: DebugGoal): void {
    const isOfAll = 'total' in goal
    const { steps, total } = this.#target.position(isOfAll ? 0 : goal.thread)
    const [found, expected] = isOfAll ? [total, goal.total] : [steps, goal.steps]
    if (found === expected) return
    throw new DoppelError(
      'travel.diverged',
      `going through the run again has led to step ${found}; expected ${expected}`,
      { found, expected },
    )
  }
}
