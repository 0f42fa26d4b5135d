import type { CharPort } from '@doppel/base'
import type { RewindableTape, Tape } from '../record/tapes.ts'
import { type Checkpoint, Checkpoints, type RewindableMachine } from './checkpoints.ts'

/** Steps between two checkpoints where nothing else is said; some forty milliseconds. */
const CHECKPOINT_STEPS = 16_000_000
/** How near before its end a search has a checkpoint: a turn or two. */
const FINE_STEPS = 250_000

/** What was outside of the machine at a checkpoint: how much of the tape had been read, and bytes written to each port. */
interface Outside {
  readonly place: number
  readonly written: ReadonlyMap<string, number>
}

/**
 * A deterministic machine's past: checkpoints as it goes, and between the machine and its tape, so that what has come from outside
 * comes again where it goes through its past again, and what it has printed is not printed again.
 */
export class Timeline<Moment> implements Tape {
  /** Told of each round that begins, with the steps until then. */
  onRound: ((total: number) => void) | undefined
  /** Told that the machine has ended; true holds it there until it is brought back, or let go. */
  onEnd: (() => boolean) | undefined
  /** The same, for a search, which has come to the end once more. */
  onLateEnd: (() => void) | undefined
  /** A search ends there: it leaves a checkpoint near before. */
  fineBefore: number | undefined
  readonly #tape: RewindableTape
  readonly #everySteps: number
  readonly #written = new Map<string, number>()
  /** Bytes of each port that have been let out. */
  readonly #shown = new Map<string, number>()
  #machine: RewindableMachine<Moment> | undefined
  #checkpoints: Checkpoints<Moment> | undefined
  /** As far as the run has ever come. */
  #frontier = 0
  #held: PromiseWithResolvers<boolean> | undefined

  /** Goes on by a tape; a checkpoint is made each time that `everySteps` more have been made, about. */
  constructor(tape: RewindableTape, { everySteps = CHECKPOINT_STEPS }: { readonly everySteps?: number } = {}) {
    this.#tape = tape
    this.#everySteps = everySteps
    tape.isPast = () => this.isPast
  }
  /** The machine that it is the past of, before it runs. */
  attach(machine: RewindableMachine<Moment>): void {
    this.#machine = machine
    this.#checkpoints = new Checkpoints(machine)
  }

  get isReplay(): boolean {
    return this.#tape.isReplay
  }
  set onInput(listener: (() => void) | undefined) {
    this.#tape.onInput = listener
  }
  get onInput(): (() => void) | undefined {
    return this.#tape.onInput
  }
  port(name: string, port: CharPort): CharPort {
    const inner = this.#tape.port(name, port)
    return { onInput: receive => inner.onInput(receive), write: bytes => this.#write(name, port, bytes) }
  }
  #write(name: string, port: CharPort, bytes: Uint8Array): void {
    const before = this.#written.get(name) ?? 0
    const after = before + bytes.length
    const shown = this.#shown.get(name) ?? 0
    this.#written.set(name, after)
    if (after <= shown) return
    this.#shown.set(name, after)
    port.write(shown > before ? bytes.subarray(shown - before) : bytes)
  }

  round(instructions: bigint, nowNs: number): boolean {
    const now = this.now
    this.#take(now)
    this.#frontier = Math.max(this.#frontier, now)
    this.onRound?.(now)
    return this.#tape.round(instructions, nowNs)
  }
  #take(now: number): void {
    const before = this.#checkpoints?.before(now)?.at ?? -Infinity
    const end = this.fineBefore
    const isFine = end !== undefined && now < end && now > end - FINE_STEPS && before < end - FINE_STEPS
    // What is past has had its checkpoints, and has those that are worth their room.
    const isDue = now - before >= this.#everySteps && now >= this.#frontier
    if (before === now || isDue || isFine) this.#checkpoints?.take(this.#outside(), { isFine: isFine && !isDue })
  }
  #outside(): Outside {
    return { place: this.#tape.place, written: new Map(this.#written) }
  }

  /** Steps that all threads have made. */
  get now(): number {
    return this.#machine?.steps().reduce((sum, each) => sum + each, 0) ?? 0
  }
  /** Whether a checkpoint is shortly before a moment. */
  isNear(checkpoint: Checkpoint<Moment>, total: number): boolean {
    return checkpoint.at > total - FINE_STEPS
  }
  /** It has been further already. */
  get isPast(): boolean {
    return this.now < this.#frontier
  }
  get checkpoints(): readonly Checkpoint<Moment>[] {
    return this.#checkpoints?.list ?? []
  }
  /** Memory that the checkpoints take, bytes. */
  get heldBytes(): number {
    return this.#checkpoints?.heldBytes ?? 0
  }

  /** Brings the machine, which stands still or has ended, to a checkpoint. */
  returnTo(checkpoint: Checkpoint<Moment>): void {
    this.#frontier = Math.max(this.#frontier, this.now)
    this.#checkpoints?.returnTo(checkpoint)
    this.#held?.resolve(true)
    const { place, written } = checkpoint.outside as Outside
    this.#tape.place = place
    this.#written.clear()
    for (const [name, bytes] of written) this.#written.set(name, bytes)
  }
  /** The machine has ended: resolves with true once it has been brought back. */
  async ended(): Promise<boolean> {
    if (!this.onLateEnd && this.onEnd?.() !== true) return false
    const held = (this.#held = Promise.withResolvers<boolean>())
    this.onLateEnd?.()
    return await held.promise
  }
  /** Nobody holds the machine any more where it has ended. */
  letEnd(): void {
    this.#held?.resolve(false)
  }
  /** Somebody has changed the machine: what was does not lead here any more. */
  forget(): void {
    this.#checkpoints?.clear()
    this.#frontier = this.now
    this.#tape.forgetRest()
  }
}
