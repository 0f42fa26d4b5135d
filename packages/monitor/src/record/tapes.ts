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

type Input = Pick<InputEvent, 'port' | 'bytes'>

/** The machine's side of its ports, by name. */
class Receivers {
  readonly #byName = new Map<string, (bytes: Uint8Array) => void>()

  port(name: string, port: CharPort): CharPort {
    return { write: bytes => port.write(bytes), onInput: receive => void this.#byName.set(name, receive) }
  }
  give({ port, bytes }: Input): void {
    this.#byName.get(port)?.(bytes)
  }
}

/** The host's side: what has come waits there until the machine is between turns. */
class HostInput {
  #waiting: Input[] = []

  listen(name: string, port: CharPort, came: () => void): void {
    port.onInput(bytes => {
      this.#waiting.push({ port: name, bytes: bytes.slice() })
      came()
    })
  }
  /** What has come since this was last asked. */
  take(): readonly Input[] {
    return this.#waiting.splice(0)
  }
}

/** Notes what comes from outside and when it reaches the machine. */
export class RecordingTape implements Tape {
  onInput: (() => void) | undefined
  readonly isReplay = false
  readonly #keep: (bytes: Uint8Array) => void
  readonly #receivers = new Receivers()
  readonly #host = new HostInput()

  /** `keep` is given each event's bytes, in order, before it has any effect. */
  constructor(keep: (bytes: Uint8Array) => void) {
    this.#keep = keep
  }
  port(name: string, port: CharPort): CharPort {
    this.#host.listen(name, port, () => this.onInput?.())
    return this.#receivers.port(name, port)
  }
  round(instructions: bigint, nowNs: number): boolean {
    for (const input of this.#host.take()) {
      this.#keep(encodeEvent({ kind: 'input', instructions, atNs: nowNs, ...input }))
      this.#receivers.give(input)
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
  readonly #receivers = new Receivers()

  constructor(events: readonly RecordedEvent[]) {
    this.#events = events
  }
  port(name: string, port: CharPort): CharPort {
    return this.#receivers.port(name, port)
  }
  round(instructions: bigint, nowNs: number): boolean {
    for (let event = this.#events[this.place]; ; event = this.#events[++this.place]) {
      // A recording that was cut off has no more to say.
      if (!event) return false
      if (!isDue(event, instructions, nowNs)) return true
      if (event.kind === 'end') return false
      this.#receivers.give(event)
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
  readonly #receivers = new Receivers()
  readonly #host = new HostInput()

  /** Nothing needs to be waited for while what is to come is known. */
  get isReplay(): boolean {
    return this.isPast()
  }
  port(name: string, port: CharPort): CharPort {
    this.#host.listen(name, port, () => this.onInput?.())
    return this.#receivers.port(name, port)
  }
  round(instructions: bigint, nowNs: number): boolean {
    let event = this.#events[this.place]
    while (event && isDue(event, instructions, nowNs)) {
      this.#receivers.give(event)
      event = this.#events[++this.place]
    }
    if (event || this.isPast()) return true
    for (const input of this.#host.take()) {
      this.#events.push({ kind: 'input', instructions, atNs: nowNs, ...input })
      this.place++
      this.#receivers.give(input)
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
