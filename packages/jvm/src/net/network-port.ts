/** A TCP connection of the host’s. */
export interface NetworkStream {
  /** `sent` is called once the bytes are on their way. */
  write(bytes: Uint8Array, sent: () => void): void
  /** No more is written; reading goes on. */
  end(): void
  destroy(): void
  /** Stops and restarts `data`. */
  pause(): void
  resume(): void
}

/** Why a connection could not be made, or broke. */
export type NetworkFailure = 'refused' | 'unreachable' | 'reset' | 'denied'

/** What a connection tells its owner. */
export interface NetworkEvents {
  connected(): void
  data(bytes: Uint8Array): void
  /** The other side writes no more. */
  ended(): void
  /** Called once, last; with a reason when it did not end as both sides wished. */
  closed(failed?: NetworkFailure): void
}

/** The world beyond the machine’s own loopback. Addresses are IPv4 in dotted decimals. */
export interface JvmNetwork {
  /** Begins a connection. Events come later, never before this returns. */
  connect(address: string, port: number, events: NetworkEvents): NetworkStream
  /** Addresses of a name; none when there are none or the machine may not ask. */
  lookup(name: string): Promise<readonly string[]>
  /**
   * The machine listens on a port; `accept` takes connections from outside, if the port is shown there. The result ends
   * that, and is undefined for a port that is the machine’s own.
   */
  listening(port: number, accept: Accept): (() => void) | undefined
}

/** Takes a connection from outside, and says what hears of it; undefined when there is no room. */
export type Accept = (stream: NetworkStream, from: NetworkAddress) => NetworkEvents | undefined

/** An IPv4 address and a port. */
export interface NetworkAddress {
  readonly address: string
  readonly port: number
}
