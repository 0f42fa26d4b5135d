import { type GuestMemory, PAGE_BYTES } from '@doppel/base'
import { isSame, PageHistory } from './page-history.ts'

/** A machine whose moments can be kept: `Moment` is its state without its memory. */
export interface RewindableMachine<Moment> {
  readonly memory: GuestMemory
  touchedPages(): Iterable<readonly [page: number, bytes: Uint8Array]>
  /** Tells, each time it is asked, which pages have been written since it last was. */
  dirtyPages(): () => Iterable<number>
  /** The pages whose code may have been run since this was last asked, each time right after what `dirtyPages` returned. */
  runPages(): Iterable<number>
  /** Undefined while it cannot be told. */
  moment(): Moment | undefined
  /** Brings back everything but memory. */
  returnTo(moment: Moment): void
  /** Steps of each thread so far; see `DebugPosition`. */
  steps(): readonly number[]
}

/** A moment that can be returned to. */
export interface Checkpoint<Moment> {
  /** Steps of all threads until then, and of each. */
  readonly at: number
  readonly steps: readonly number[]
  readonly moment: Moment
  /** What else was as it was. */
  readonly outside: unknown
  /** For a search that goes on near by; one of few. */
  readonly isFine: boolean
  /** Pages that may differ from the checkpoint before. */
  readonly pages: Set<number>
  /** Pages whose code may have been run since the checkpoint before. */
  readonly run: Set<number>
}

/** Checkpoints of one run at most: older ones stand further apart. */
export const MAX_CHECKPOINTS = 96
/** Those for a search. */
export const MAX_FINE_CHECKPOINTS = 8
/** Pages held for all of them, bytes; what the first needs is needed anyway. */
export const MAX_CHECKPOINT_BYTES: number = 512 * 1024 * 1024
/** The youngest are never given up. */
const KEPT = 4

const total = (steps: readonly number[]): number => steps.reduce((sum, each) => sum + each, 0)

/** Moments of one machine's run in their order, and its memory at each, as what was written in between. */
export class Checkpoints<Moment> {
  readonly #machine: RewindableMachine<Moment>
  readonly #most: number
  readonly #dirty: () => Iterable<number>
  #history = new PageHistory()
  #list: Checkpoint<Moment>[] = []
  #fine: Checkpoint<Moment>[] = []
  /** Memory is as it was here, but for dirty pages and those that have gone astray. */
  #anchor: Checkpoint<Moment> | undefined
  readonly #stray = new Set<number>()
  readonly #words = new Int32Array(PAGE_BYTES / 4)
  readonly #bytes = new Uint8Array(this.#words.buffer)

  constructor(machine: RewindableMachine<Moment>, { most = MAX_CHECKPOINTS }: { readonly most?: number } = {}) {
    this.#machine = machine
    this.#most = most
    this.#dirty = machine.dirtyPages()
  }

  /** In the run's order. */
  get list(): readonly Checkpoint<Moment>[] {
    return this.#list
  }
  get heldBytes(): number {
    return this.#history.heldBytes
  }
  /** The last one that is not later; undefined where all are. */
  before(at: number): Checkpoint<Moment> | undefined {
    return this.#list.findLast(checkpoint => checkpoint.at <= at)
  }

  /** Keeps this moment, unless the machine cannot tell it now, or it is kept already. */
  take(outside: unknown, { isFine = false }: { readonly isFine?: boolean } = {}): void {
    const steps = this.#machine.steps()
    const at = total(steps)
    const known = this.before(at)
    if (known?.at === at) return this.#pass(known)
    const moment = this.#machine.moment()
    if (moment === undefined) return
    const pages = this.#changed()
    const run = new Set(this.#machine.runPages())
    if (this.#list.length === 0) for (const [page] of this.#machine.touchedPages()) pages.add(page)
    for (const page of pages) this.#history.keep(page, at, this.#read(page))
    const checkpoint = { at, steps, moment, outside, isFine, pages, run }
    this.#list.splice(known ? this.#list.indexOf(known) + 1 : 0, 0, checkpoint)
    this.#anchorAt(checkpoint)
    if (isFine) this.#fine.push(checkpoint)
    this.#thin()
  }
  /** The machine comes by a moment that is kept: what differs is counted from there. */
  #pass(checkpoint: Checkpoint<Moment>): void {
    this.#dirty()
    this.#machine.runPages()
    this.#anchorAt(checkpoint)
  }
  #anchorAt(checkpoint: Checkpoint<Moment>): void {
    this.#anchor = checkpoint
    this.#stray.clear()
  }
  /** Pages that may not be what they were at the anchor. */
  #changed(): Set<number> {
    const pages = new Set(this.#stray)
    for (const page of this.#dirty()) pages.add(page)
    return pages
  }

  /** Brings the machine back, or forward, to a checkpoint. It stands still, or has ended. */
  returnTo(checkpoint: Checkpoint<Moment>): void {
    const pages = this.#changed()
    const from = this.#anchor?.at ?? 0
    const [low, high] = [Math.min(from, checkpoint.at), Math.max(from, checkpoint.at)]
    for (const { at, pages: changed } of this.#list) {
      if (at > low && at <= high) for (const page of changed) pages.add(page)
    }
    for (const page of pages) {
      const words = this.#history.read(page, checkpoint.at)
      if (isSame(words, this.#read(page))) continue
      this.#machine.memory.write(this.#gpa(page), new Uint8Array(words.buffer, words.byteOffset, PAGE_BYTES))
    }
    this.#machine.returnTo(checkpoint.moment)
    this.#pass(checkpoint)
  }
  #gpa(page: number): number {
    return (this.#machine.memory.ranges[0]?.base ?? 0) + page * PAGE_BYTES
  }
  #read(page: number): Int32Array {
    this.#machine.memory.read(this.#gpa(page), this.#bytes)
    return this.#words
  }

  /** Forgets all of them: what comes now does not follow from them. */
  clear(): void {
    this.#history = new PageHistory()
    this.#list = []
    this.#fine = []
    this.#anchor = undefined
  }

  #thin(): void {
    while (this.#fine.length > MAX_FINE_CHECKPOINTS) this.#remove(this.#fine.shift() as Checkpoint<Moment>)
    while (this.#list.length - this.#fine.length > this.#most || this.heldBytes > MAX_CHECKPOINT_BYTES) {
      const victim = this.#leastMissed()
      if (!victim) return
      this.#remove(victim)
    }
  }
  /** The one whose loss opens the smallest gap for its age: what is left stands exponentially further apart. */
  #leastMissed(): Checkpoint<Moment> | undefined {
    const coarse = this.#list.filter(({ isFine }) => !isFine)
    const now = coarse.at(-1)?.at ?? 0
    let found: Checkpoint<Moment> | undefined
    let least = Infinity
    for (let i = 1; i < coarse.length - KEPT; i++) {
      const checkpoint = coarse[i] as Checkpoint<Moment>
      const gap = ((coarse[i + 1]?.at ?? now) - (coarse[i - 1]?.at ?? 0)) / (now - checkpoint.at)
      if (gap < least) [found, least] = [checkpoint, gap]
    }
    return found
  }
  #remove(checkpoint: Checkpoint<Moment>): void {
    const index = this.#list.indexOf(checkpoint)
    const next = this.#list[index + 1]
    for (const page of checkpoint.pages) {
      if (this.#history.forget(page, checkpoint.at, next?.at)) next?.pages.add(page)
    }
    if (next) for (const page of checkpoint.run) next.run.add(page)
    this.#list.splice(index, 1)
    if (this.#anchor !== checkpoint) return
    this.#anchor = this.#list[index - 1]
    for (const page of checkpoint.pages) this.#stray.add(page)
  }
}
