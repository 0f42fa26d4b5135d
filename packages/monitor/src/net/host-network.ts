/**
 * What a gateway needs of the host to reach the world: sockets as Node, or a relay, gives them. Addresses are text as
 * `ipText` writes it. Callbacks come later, never from within the call that makes the object.
 */
export interface HostNetwork {
  /** Begins a TCP connection. */
  connect(address: string, port: number, events: StreamEvents): HostStream
  /** Listens for TCP; a port of 0 takes a free one. Rejects with a DoppelError, e.g. when the port is taken. */
  listen(
    address: string,
    port: number,
    accept: (stream: HostStream, listen: (events: StreamEvents) => void) => void,
  ): Promise<HostListener>
  /** A UDP socket of its own port, for one guest socket. */
  datagrams(version: 4 | 6, received: (from: string, port: number, bytes: Uint8Array) => void): HostDatagrams
}

/** One end of a TCP connection that the host holds. */
export interface HostStream {
  /** Sends bytes; `sent` is called when the host has taken them, which is what bounds how much may be under way. */
  write(bytes: Uint8Array, sent: () => void): void
  /** No more will be written. */
  end(): void
  /** Gives up: both directions end at once. */
  destroy(): void
  /** Stops, or goes on with, calls of `data`. */
  pause(): void
  resume(): void
}

/** What a stream tells its owner. */
export interface StreamEvents {
  /** The connection stands. Not called for an accepted one. */
  connected(): void
  data(bytes: Uint8Array): void
  /** The other side writes no more. */
  ended(): void
  /** It is over; `failed` says why when it did not end as both sides wished. Called once, last. */
  closed(failed?: 'refused' | 'unreachable' | 'reset'): void
}

/** A listening TCP socket. */
export interface HostListener {
  readonly port: number
  close(): void
}

/** A UDP socket. */
export interface HostDatagrams {
  send(address: string, port: number, bytes: Uint8Array): void
  close(): void
}

/** Answers names for a network's guests. */
export interface NameService {
  /**
   * Answers one DNS message, at most `maxBytes` long; undefined when it is no query. A name that `isAllowed` denies is
   * refused. `addresses` are those that the answer names.
   */
  answer(
    query: Uint8Array,
    maxBytes: number,
    isAllowed: (name: string) => boolean,
  ): Promise<{ readonly message: Uint8Array; readonly name: string; readonly addresses: readonly string[] } | undefined>
}

/** Delays for protocols; injected, so that tests own them. */
export interface NetTimers {
  after(delayMs: number, fire: () => void): { cancel(): void }
}
