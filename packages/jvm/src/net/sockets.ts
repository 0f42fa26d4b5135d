import { filesOf, type OpenFile, reserveDescriptor } from '../natives/java-io.ts'
import { THREAD_STATUS } from '../runtime/threads.ts'
import type { Work } from '../runtime/tasks.ts'
import { HostIoError, type Vm } from '../runtime/vm.ts'
import { type Endpoint, POLL } from './endpoint.ts'
import type { NetworkAddress } from './network-port.ts'
import { joinSockets, Socket } from './socket.ts'

/** Ports that are given out where none is asked for (RFC 6335 §6). */
const [FIRST_EPHEMERAL, LAST_EPHEMERAL] = [49_152, 65_535]
const LOOPBACK = '127.0.0.1'
const ANY = '0.0.0.0'

const isLoopback = (address: string): boolean => address.startsWith('127.')

/** A machine’s sockets. Its loopback is its own: a port that it listens on is seen from outside only where it is published. */
export class Sockets {
  readonly #vm: Vm
  readonly #listening = new Map<number, Socket>()
  readonly #bound = new Set<number>()
  #nextPort = FIRST_EPHEMERAL

  constructor(vm: Vm) {
    this.#vm = vm
  }

  /** The machine has ended. */
  closeAll(): void {
    for (const { endpoint } of filesOf(this.#vm).values()) endpoint?.close()
  }
  /** A descriptor’s number for something to wait for. Throws HostIoError when there are too many. */
  open(endpoint: Endpoint): number {
    const open: OpenFile = { file: undefined, endpoint, stream: -1, position: 0, append: false, path: '' }
    return reserveDescriptor(this.#vm, open)
  }
  /** Throws HostIoError. */
  bind(socket: Socket, address: string, port: number): void {
    if (address !== ANY && !isLoopback(address)) {
      throw new HostIoError('EADDRNOTAVAIL', 'Cannot assign requested address')
    }
    if (port !== 0 && this.#bound.has(port)) throw new HostIoError('EADDRINUSE', 'Address already in use')
    this.#take(socket, address, port === 0 ? this.#freePort() : port)
  }
  #take(socket: Socket, address: string, port: number): void {
    this.#bound.add(port)
    socket.local = { address, port }
    socket.onClose = () => {
      this.#bound.delete(port)
      this.#listening.delete(port)
    }
  }
  #freePort(): number {
    for (let tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
      const port = this.#nextPort++
      if (this.#nextPort > LAST_EPHEMERAL) this.#nextPort = FIRST_EPHEMERAL
      if (!this.#bound.has(port)) return port
    }
    throw new HostIoError('EADDRINUSE', 'Address already in use')
  }
  listen(socket: Socket, backlog: number): void {
    if (socket.local.port === 0) this.bind(socket, ANY, 0)
    const { port } = socket.local
    socket.listen(backlog)
    this.#listening.set(port, socket)
    const conceal = this.#vm.host.network?.listening(port, socket.incoming)
    if (!conceal) return
    const { onClose } = socket
    socket.onClose = () => {
      conceal()
      onClose()
    }
  }
  /** Begins a connection. */
  connect(socket: Socket, remote: NetworkAddress): void {
    const { network } = this.#vm.host
    const own = remote.address === ANY || isLoopback(remote.address)
    const target = own ? { address: remote.address === ANY ? LOOPBACK : remote.address, port: remote.port } : remote
    if (socket.local.port === 0) this.#take(socket, own ? LOOPBACK : ANY, this.#freePort())
    const listener = own ? this.#listening.get(target.port) : undefined
    if (listener && !listener.isClosed) {
      if (!joinSockets(socket, listener, target)) this.#fail(socket, target, 'refused')
    } else if (network) socket.connect(target, events => network.connect(target.address, target.port, events))
    else this.#fail(socket, target, own ? 'refused' : 'unreachable')
  }
  #fail(socket: Socket, target: NetworkAddress, why: 'refused' | 'unreachable'): void {
    socket.state = 'connecting'
    socket.remote = target
    socket.closed(why)
  }

  /**
   * Waits until `ready` answers something other than 0, one of the endpoints has been closed, or the time is over (-1 ms
   * for never); the last answer.
   */
  *wait(endpoints: () => readonly Endpoint[], ready: () => number, timeoutMs: number): Work<number> {
    const first = ready()
    if (first !== 0 || timeoutMs === 0) return first
    const end = timeoutMs < 0 ? undefined : performance.now() + timeoutMs
    for (;;) {
      const leave: (() => void)[] = []
      const left = end === undefined ? undefined : Math.max(0, end - performance.now())
      yield* this.#vm.threads.suspend(THREAD_STATUS.runnable, left, wake => {
        for (const endpoint of endpoints()) leave.push(endpoint.watch(wake))
      })
      for (const stop of leave) stop()
      const now = ready()
      if (now !== 0 || endpoints().some(e => e.isClosed)) return now
      if (end !== undefined && performance.now() >= end) return 0
    }
  }
  /** poll(2) of one descriptor. */
  *poll(endpoint: Endpoint, events: number, timeoutMs: number): Work<number> {
    const always = POLL.error | POLL.hangUp | POLL.invalid
    return yield* this.wait(
      () => [endpoint],
      () => endpoint.ready & (events | always),
      timeoutMs,
    )
  }
}
