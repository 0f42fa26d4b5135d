import type { DebugStop } from '@doppel/base'
import type { DebuggedMachine } from '../gdb-session.ts'

/** Why a machine that was let go stands still again. */
export type Arrival =
  | { readonly kind: 'stop'; readonly stop: DebugStop }
  | { readonly kind: 'pause' | 'held' }
  | { readonly kind: 'end'; readonly exitCode: number }

/** Lets a debugged machine go, and tells where it has come to. */
export class GuestRun {
  readonly #machine: DebuggedMachine
  /** Of threads that have stopped in the same moment as another. */
  readonly #others: DebugStop[] = []
  #arrive: ((arrival: Arrival) => void) | undefined
  #isPauseAsked = false
  #end: Extract<Arrival, { kind: 'end' }> | undefined

  constructor(machine: DebuggedMachine) {
    this.#machine = machine
    machine.target.onStop = stop => {
      // At once, before any more of it runs.
      void machine.pause()
      if (!this.#tell({ kind: 'stop', stop })) this.#others.push(stop)
    }
  }
  /** Ends it: stops are told to nobody. */
  close(): void {
    this.#machine.target.onStop = undefined
    this.#tell({ kind: 'pause' })
  }
  #tell(arrival: Arrival): boolean {
    const arrive = this.#arrive
    this.#arrive = undefined
    arrive?.(arrival)
    return arrive !== undefined
  }
  get end(): Extract<Arrival, { kind: 'end' }> | undefined {
    return this.#end
  }
  ended(exitCode: number): void {
    this.#end = { kind: 'end', exitCode }
    this.#tell(this.#end)
  }
  /** It has come to its end, and may be taken back from there; false when nobody waits for it. */
  held(): boolean {
    return this.#tell({ kind: 'held' })
  }
  pause(): void {
    this.#isPauseAsked = true
    this.#machine.travel?.interrupt()
    this.#tell({ kind: 'pause' })
  }
  /** A new run is asked for. */
  begin(): void {
    this.#isPauseAsked = false
  }
  get isPauseAsked(): boolean {
    return this.#isPauseAsked
  }

  /** Lets it go until something happens; it stands still afterwards. */
  async go(): Promise<Arrival> {
    const other = this.#others.shift()
    if (other) return { kind: 'stop', stop: other }
    if (this.#end) return this.#end
    if (this.#isPauseAsked) return { kind: 'pause' }
    const { promise, resolve } = Promise.withResolvers<Arrival>()
    this.#arrive = resolve
    this.#machine.resume()
    const arrival = await promise
    if (arrival.kind !== 'end') await this.#machine.pause()
    return arrival
  }
  /** Runs one instruction of a thread; undefined when that is done, and nothing else has happened. */
  async step(thread: number): Promise<Arrival | undefined> {
    if (this.#end) return this.#end
    if (this.#machine.target.step(thread) === 'done') {
      const other = this.#others.shift()
      return other && { kind: 'stop', stop: other }
    }
    const arrival = await this.go()
    const isOwn = arrival.kind === 'stop' && arrival.stop.thread === thread
    return isOwn && !arrival.stop.watched && arrival.stop.event === undefined ? undefined : arrival
  }
}
