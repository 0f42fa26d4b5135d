import { type CharPort, DoppelError } from '@doppel/base'
import { encodeEvent, type InputEvent, type RecordedEvent } from './format.ts'

/** Between a deterministic machine and its outside: all input passes it, and reaches the machine between turns. */
export interface Tape {
  /** A port of the machine's in place of the host's, by a name that is the same in each run. A terminal's size is not told. */
  port(name: string, port: CharPort): CharPort
  /** Called before each turn; false ends the machine. Throws `replay.diverged`. */
  round(instructions: bigint, nowNs: number): boolean
  /** Set by the machine: called when there is input to take. */
  onInput: (() => void) | undefined
  /** All input is known already: nothing needs to be waited for. */
  readonly isReplay: boolean
}

/** A tape that can be gone back on. */
export interface RewindableTape extends Tape {
  /** How many events the machine has been given. */
  place: number
  /** Set by who goes back: whether the machine goes through what has been already, so that nothing new may come. */
  isPast: () => boolean
  /** What is to come is not known any more. */
  forgetRest(): void
}

type Receivers = Map<string, (bytes: Uint8Array) => void>

/** Notes what comes from outside and when it reaches the machine. */
export class RecordingTape implements Tape {
  onInput: (() => void) | undefined
  readonly isReplay = false
  readonly #keep: (bytes: Uint8Array) => void
  readonly #receivers: Receivers = new Map()
  #waiting: { readonly port: string; readonly bytes: Uint8Array }[] = []

  /** `keep` is given each event's bytes, in order, before it has any effect. */
  constructor(keep: (bytes: Uint8Array) => void) {
    this.#keep = keep
  }
  port(name: string, port: CharPort): CharPort {
    port.onInput(bytes => {
      this.#waiting.push({ port: name, bytes: bytes.slice() })
      this.onInput?.()
    })
    return machineSide(name, port, this.#receivers)
  }
  round(instructions: bigint, nowNs: number): boolean {
    for (const { port, bytes } of this.#waiting.splice(0)) {
      this.#keep(encodeEvent({ kind: 'input', instructions, atNs: nowNs, port, bytes }))
      this.#receivers.get(port)?.(bytes)
    }
    return true
  }
  /** The machine has ended. */
  end(instructions: bigint, nowNs: number, hash: string): void {
    this.#keep(encodeEvent({ kind: 'end', instructions, atNs: nowNs, hash }))
  }
}

/** Gives a machine what another was given, each at the same instruction. The host's own input goes nowhere. */
export class ReplayingTape implements RewindableTape {
  onInput: (() => void) | undefined
  readonly isReplay = true
  isPast = (): boolean => false
  place = 0
  readonly #events: readonly RecordedEvent[]
  readonly #receivers: Receivers = new Map()

  constructor(events: readonly RecordedEvent[]) {
    this.#events = events
  }
  port(name: string, port: CharPort): CharPort {
    return machineSide(name, port, this.#receivers)
  }
  round(instructions: bigint, nowNs: number): boolean {
    for (let event = this.#events[this.place]; ; event = this.#events[++this.place]) {
      // A recording that was cut off has no more to say.
      if (!event) return false
      if (!isDue(event, instructions, nowNs)) return true
      if (event.kind === 'end') return false
      this.#receivers.get(event.port)?.(event.bytes)
    }
  }
  /** What a recording says stays. */
  forgetRest(): void {}
}

/** Lets input through between turns and keeps it, to give it once more where the machine has gone back. */
export class LiveTape implements RewindableTape {
  onInput: (() => void) | undefined
  isPast = (): boolean => false
  place = 0
  readonly #events: InputEvent[] = []
  readonly #receivers: Receivers = new Map()
  #waiting: { readonly port: string; readonly bytes: Uint8Array }[] = []

  /** Nothing needs to be waited for while what is to come is known. */
  get isReplay(): boolean {
    return this.isPast()
  }
  port(name: string, port: CharPort): CharPort {
    port.onInput(bytes => {
      this.#waiting.push({ port: name, bytes: bytes.slice() })
      this.onInput?.()
    })
    return machineSide(name, port, this.#receivers)
  }
  round(instructions: bigint, nowNs: number): boolean {
    let event = this.#events[this.place]
    while (event && isDue(event, instructions, nowNs)) {
      this.#receivers.get(event.port)?.(event.bytes)
      event = this.#events[++this.place]
    }
    if (event || this.isPast()) return true
    for (const { port, bytes } of this.#waiting.splice(0)) {
      this.#events.push({ kind: 'input', instructions, atNs: nowNs, port, bytes })
      this.place++
      this.#receivers.get(port)?.(bytes)
    }
    return true
  }
  forgetRest(): void {
    this.#events.splice(this.place)
  }
}

/** Whether the machine has come to an event. Throws `replay.diverged` when it has passed it by. */
function isDue(event: RecordedEvent, instructions: bigint, nowNs: number): boolean {
  if (instructions < event.instructions || (instructions === event.instructions && nowNs < event.atNs)) return false
  if (instructions === event.instructions && nowNs === event.atNs) return true
  throw new DoppelError(
    'replay.diverged',
    `the machine is not where it was when ${event.kind === 'end' ? 'it ended' : 'it was given input'}: ` +
      `after ${instructions} instructions, expected ${event.instructions}`,
    { instructions: String(instructions), expected: String(event.instructions) },
  )
}

function machineSide(name: string, port: CharPort, receivers: Receivers): CharPort {
  return { write: bytes => port.write(bytes), onInput: receive => void receivers.set(name, receive) }
}
