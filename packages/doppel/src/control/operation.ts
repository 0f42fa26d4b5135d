import { DoppelError } from '@doppel/base'

/** A JSON object. */
export type Message = Readonly<Record<string, unknown>>

/** The control socket itself: closed, new clients find nobody. */
export interface Door {
  close(): Promise<void>
  open(): Promise<void>
}

/** A client's connection, as an operation sees it. */
export interface Session {
  /** False when the client is slow: `onDrain` tells when it has caught up. */
  output(bytes: Uint8Array): boolean
  errors(bytes: Uint8Array): boolean
  onDrain(drained: () => void): void
  /** Sets who gets the client's input, and hears of its end (no bytes). */
  onInput(receive: (bytes: Uint8Array | undefined) => void): void
  /** Sets who gets what else the client says, and says something before the answer. */
  onMessage(receive: (message: Message) => void): void
  say(message: Message): void
  readonly door: Door
  /** Resolves when the client has gone. */
  readonly gone: Promise<void>
  /** Resolves when the client has said its last, as one that died has too. */
  readonly silent: Promise<void>
}

/** One thing that a machine's process does for a client; what it returns is the answer. */
export interface Operation<M> {
  readonly name: string
  run(machine: M, message: Message, session: Session): Promise<Message>
}

/** What a message says under a name, if anything. Throws `control.message` unless it is text. */
export function text(message: Message, key: string): string | undefined {
  const value = message[key]
  if (value === undefined || typeof value === 'string') return value
  throw new DoppelError('control.message', `'${key}' must be text`)
}
/** The same for what must be there. */
export function needed(message: Message, key: string): string {
  const value = text(message, key)
  if (value === undefined) throw new DoppelError('control.message', `'${key}' is missing`)
  return value
}
/** What a message says of a time. Throws `control.message`. */
export function milliseconds(message: Message, key: string): number | undefined {
  const value = message[key]
  if (value === undefined || (typeof value === 'number' && value >= 0)) return value
  throw new DoppelError('control.message', `'${key}' must be milliseconds`)
}
/** A message's list of texts. Throws `control.message`. */
export function words(message: Message, key: string): string[] {
  const value = message[key]
  if (Array.isArray(value) && value.every(word => typeof word === 'string')) return value
  throw new DoppelError('control.message', `'${key}' must be a list of texts`)
}
