import { HostIoError } from '../runtime/vm.ts'
import { Endpoint, POLL } from './endpoint.ts'
import type { Accept, NetworkAddress, NetworkEvents, NetworkFailure, NetworkStream } from './network-port.ts'

/** Bytes that wait to be read, and bytes on their way out, before the writer must wait. */
const BUFFER_BYTES = 256 << 10
/** Connections that wait to be accepted, whatever the program asks for. */
const MAX_BACKLOG = 1024

const NOWHERE: NetworkAddress = { address: '0.0.0.0', port: 0 }
const FAILURES: Readonly<Record<NetworkFailure, readonly [errno: string, reason: string]>> = {
  refused: ['ECONNREFUSED', 'Connection refused'],
  unreachable: ['ENETUNREACH', 'Network is unreachable'],
  reset: ['ECONNRESET', 'Connection reset'],
  denied: ['EACCES', 'Permission denied'],
}

/** A TCP socket: its stream is the host’s, or leads to another socket of the machine. */
export class Socket extends Endpoint implements NetworkEvents {
  state: 'new' | 'listening' | 'connecting' | 'connected' | 'failed' = 'new'
  local: NetworkAddress = NOWHERE
  remote: NetworkAddress = NOWHERE
  failure: NetworkFailure | undefined
  /** Options of setsockopt(2) that the program has set, by level and name. */
  readonly options: Map<string, number> = new Map()
  /** Called when the socket is closed. */
  onClose: () => void = () => undefined
  #stream: NetworkStream | undefined
  #received: Uint8Array[] = []
  #receivedBytes = 0
  #outBytes = 0
  #isPaused = false
  /** The other side writes no more; nothing is read any more; nothing is written any more. */
  #ended = false
  #inShut = false
  #outShut = false
  #backlog: Socket[] = []
  #backlogMax = 0

  // Making connections

  /** Begins a connection; `begin` makes the stream. */
  connect(remote: NetworkAddress, begin: (events: NetworkEvents) => NetworkStream): void {
    this.state = 'connecting'
    this.remote = remote
    this.#stream = begin(this)
  }
  listen(backlog: number): void {
    this.state = 'listening'
    this.#backlogMax = Math.max(1, Math.min(backlog, MAX_BACKLOG))
  }
  /** Takes a connection from elsewhere; undefined when too many wait. */
  readonly incoming: Accept = (stream, from) => {
    if (this.state !== 'listening' || this.isClosed || this.#backlog.length >= this.#backlogMax) return undefined
    const socket = new Socket()
    socket.state = 'connected'
    socket.#stream = stream
    socket.local = this.local
    socket.remote = from
    this.#backlog.push(socket)
    this.changed()
    return socket
  }
  /** The next connection that waits. */
  accept(): Socket | undefined {
    return this.#backlog.shift()
  }

  // What the stream tells

  connected(): void {
    if (this.state !== 'connecting') return
    this.state = 'connected'
    this.changed()
  }
  data(bytes: Uint8Array): void {
    if (this.#inShut || this.isClosed || bytes.length === 0) return
    this.#received.push(bytes)
    this.#receivedBytes += bytes.length
    if (this.#receivedBytes >= BUFFER_BYTES && !this.#isPaused) {
      this.#isPaused = true
      this.#stream?.pause()
    }
    this.changed()
  }
  ended(): void {
    this.#ended = true
    this.changed()
  }
  closed(failed?: NetworkFailure): void {
    this.#ended = true
    if (failed) {
      this.failure = failed
      if (this.state === 'connecting') this.state = 'failed'
    }
    this.#stream = undefined
    this.changed()
  }

  // What the program does

  get ready(): number {
    if (this.isClosed) return POLL.invalid | POLL.hangUp
    if (this.state === 'listening') return this.#backlog.length > 0 ? POLL.in : 0
    if (this.state === 'new') return POLL.hangUp | POLL.out
    let events = 0
    if (this.#receivedBytes > 0 || this.#ended || this.#inShut) events |= POLL.in
    if (this.state === 'connected' && (this.#outBytes < BUFFER_BYTES || !this.#stream)) events |= POLL.out
    if (this.failure) events |= POLL.error | POLL.hangUp | POLL.out | POLL.in
    return events
  }
  get available(): number {
    return this.#receivedBytes
  }
  read(max: number): Uint8Array | undefined {
    const [first] = this.#received
    if (!first) {
      if (this.failure === 'reset') throw this.problem()
      return this.#ended || this.#inShut || max === 0 ? new Uint8Array(0) : undefined
    }
    const part = first.subarray(0, max)
    if (part.length === first.length) this.#received.shift()
    else this.#received[0] = first.subarray(part.length)
    this.#receivedBytes -= part.length
    if (this.#isPaused && this.#receivedBytes < BUFFER_BYTES / 2) {
      this.#isPaused = false
      this.#stream?.resume()
    }
    return part
  }
  write(bytes: Uint8Array): number {
    if (this.failure === 'reset') throw this.problem()
    if (this.#outShut || !this.#stream) throw new HostIoError('EPIPE', 'Broken pipe')
    const room = BUFFER_BYTES - this.#outBytes
    const part = bytes.slice(0, room)
    if (part.length === 0) return 0
    this.#outBytes += part.length
    this.#stream.write(part, () => {
      this.#outBytes -= part.length
      this.changed()
    })
    return part.length
  }
  /** As shutdown(2). */
  shutdown(input: boolean, output: boolean): void {
    if (input) {
      this.#inShut = true
      this.#received = []
      this.#receivedBytes = 0
    }
    if (output && !this.#outShut) {
      this.#outShut = true
      this.#stream?.end()
    }
    this.changed()
  }
  /** Why the socket cannot be used. */
  problem(): HostIoError {
    return new HostIoError(...FAILURES[this.failure ?? 'reset'])
  }
  protected closing(): void {
    for (const waiting of this.#backlog.splice(0)) waiting.close()
    // What has been received and not read means that the other side must know (RFC 2525 §2.17).
    if (this.#receivedBytes > 0 || this.state === 'connecting') this.#stream?.destroy()
    else if (!this.#outShut) this.#stream?.end()
    this.#stream?.resume()
    this.onClose()
  }
}

/** Joins a socket that connects with one that listens, within the machine; false when it does not take the connection. */
export function joinSockets(from: Socket, to: Socket, remote: NetworkAddress): boolean {
  const [ahead, back] = [new Loop(), new Loop()]
  ahead.other = back
  back.other = ahead
  const accepted = to.incoming(back, from.local)
  if (!accepted) return false
  ahead.peer = () => accepted
  back.peer = () => from
  from.connect(remote, () => ahead)
  from.connected()
  return true
}

/** One direction’s writer in the machine’s own loopback: what is written is received, unless the reader has had enough. */
class Loop implements NetworkStream {
  peer: () => NetworkEvents | undefined = () => undefined
  readonly #waiting: (readonly [bytes: Uint8Array, sent: () => void])[] = []
  #ended = false
  /** The other direction pauses and resumes this one. */
  other: Loop | undefined

  write(bytes: Uint8Array, sent: () => void): void {
    this.#waiting.push([bytes, sent])
    this.#flow()
  }
  end(): void {
    this.#ended = true
    this.#flow()
  }
  destroy(): void {
    this.#waiting.length = 0
    const peer = this.peer()
    this.peer = () => undefined
    peer?.closed('reset')
  }
  isHeld = false
  pause(): void {
    if (this.other) this.other.isHeld = true
  }
  resume(): void {
    if (!this.other) return
    this.other.isHeld = false
    this.other.#flow()
  }
  #flow(): void {
    for (let next = this.isHeld ? undefined : this.#waiting.shift(); next; ) {
      const [bytes, sent] = next
      this.peer()?.data(bytes)
      sent()
      next = this.isHeld ? undefined : this.#waiting.shift()
    }
    if (!this.#ended || this.#waiting.length > 0) return
    this.#ended = false
    this.peer()?.ended()
  }
}
