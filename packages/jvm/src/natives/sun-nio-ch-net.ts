import { JavaProblem } from '../problem.ts'
import { type Endpoint, EventFlag, POLL } from '../net/endpoint.ts'
import { joinSockets, Socket } from '../net/socket.ts'
import { IO_STATUS, receive, vectored } from '../net/transfer.ts'
import type { Ref } from '../runtime/classes.ts'
import type { Work } from '../runtime/tasks.ts'
import { HostIoError, type Vm } from '../runtime/vm.ts'
import { filesOf } from './java-io.ts'
import { addressOf, inetAddress, socketAddress } from './java-net.ts'
import { natives } from './table.ts'

/** Options whose defaults are not 0, by level and name (socket(7), tcp(7)). */
const DEFAULTS: Readonly<Record<string, number>> = { '1.7': 87_040, '1.8': 65_536, '1.13': -1 }

/** What is behind a descriptor’s number. */
export function endpointAt(vm: Vm, fd: number): Endpoint {
  const endpoint = filesOf(vm).get(fd)?.endpoint
  if (!endpoint) throw new JavaProblem('java/net/SocketException', 'Bad file descriptor')
  return endpoint
}
function behind(vm: Vm, descriptor: Ref): Endpoint {
  return endpointAt(vm, descriptor === null ? -1 : (vm.heap.get(descriptor, 'fd') as number))
}
function socketOf(vm: Vm, descriptor: Ref): Socket {
  const endpoint = behind(vm, descriptor)
  if (endpoint instanceof Socket) return endpoint
  throw new JavaProblem('java/net/SocketException', 'Socket operation on nonsocket')
}

const EXCEPTIONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'java/net/BindException',
  EADDRNOTAVAIL: 'java/net/BindException',
  ECONNREFUSED: 'java/net/ConnectException',
  ENETUNREACH: 'java/net/NoRouteToHostException',
}
/** Runs what may fail as sockets do; its failures are SocketExceptions. */
function net<R>(run: () => R): R {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof HostIoError)) throw error
    throw new JavaProblem(EXCEPTIONS[error.errno] ?? 'java/net/SocketException', error.reason)
  }
}

/** True when the connection stands; throws when it could not be made. */
function isConnected(socket: Socket): boolean {
  if (socket.state === 'failed')
    net(() => {
      throw socket.problem()
    })
  return socket.state === 'connected'
}

natives('sun/nio/ch/Net', {
  isIPv6Available0: () => 0,
  isReusePortAvailable0: () => 0,
  isExclusiveBindAvailable: () => -1,
  shouldShutdownWriteBeforeClose0: () => 0,
  shouldSetBothIPv4AndIPv6Options0: () => 0,
  canIPv6SocketJoinIPv4Group0: () => 0,
  canJoin6WithIPv4Group0: () => 0,
  canUseIPv6OptionsWithIPv4LocalAddress0: () => 0,
  socket0: (vm: Vm, _preferIPv6: number, stream: number) => {
    if (!stream) throw new JavaProblem('java/net/SocketException', 'Protocol not supported: datagrams')
    return net(() => vm.sockets.open(new Socket()))
  },
  bind0: (vm: Vm, descriptor: Ref, _preferIPv6: number, _exclusive: number, address: Ref, port: number) =>
    net(() => vm.sockets.bind(socketOf(vm, descriptor), addressOf(vm, address), port)),
  listen: (vm: Vm, descriptor: Ref, backlog: number) => net(() => vm.sockets.listen(socketOf(vm, descriptor), backlog)),
  connect0: (vm: Vm, _preferIPv6: number, descriptor: Ref, address: Ref, port: number) => {
    const socket = socketOf(vm, descriptor)
    net(() => vm.sockets.connect(socket, { address: addressOf(vm, address), port }))
    return isConnected(socket) ? 1 : IO_STATUS.unavailable
  },
  *accept(vm: Vm, descriptor: Ref, into: Ref, addresses: Ref): Work<number> {
    const accepted = socketOf(vm, descriptor).accept()
    if (!accepted) return IO_STATUS.unavailable
    vm.heap.set(
      into,
      'fd',
      net(() => vm.sockets.open(accepted)),
    )
    vm.rt.setL(addresses, 0, yield* socketAddress(vm, accepted.remote.address, accepted.remote.port))
    return 1
  },
  shutdown: (vm: Vm, descriptor: Ref, how: number) => {
    const socket = socketOf(vm, descriptor)
    if (socket.state !== 'connected') throw new JavaProblem('java/net/SocketException', 'Not connected')
    socket.shutdown(how !== 1, how !== 0)
  },
  localPort: (vm: Vm, descriptor: Ref) => socketOf(vm, descriptor).local.port,
  *localInetAddress(vm: Vm, descriptor: Ref): Work<Ref> {
    return yield* inetAddress(vm, socketOf(vm, descriptor).local.address, null)
  },
  remotePort: (vm: Vm, descriptor: Ref) => socketOf(vm, descriptor).remote.port,
  *remoteInetAddress(vm: Vm, descriptor: Ref): Work<Ref> {
    return yield* inetAddress(vm, socketOf(vm, descriptor).remote.address, null)
  },
  getIntOption0: (vm: Vm, descriptor: Ref, _convert: number, level: number, name: number) => {
    const key = `${level}.${name}`
    return socketOf(vm, descriptor).options.get(key) ?? DEFAULTS[key] ?? 0
  },
  setIntOption0: (vm: Vm, descriptor: Ref, _convert: number, level: number, name: number, value: number) =>
    void socketOf(vm, descriptor).options.set(`${level}.${name}`, value),
  *poll(vm: Vm, descriptor: Ref, events: number, timeoutMs: bigint): Work<number> {
    return yield* vm.sockets.poll(behind(vm, descriptor), events, Number(timeoutMs))
  },
  *pollConnect(vm: Vm, descriptor: Ref, timeoutMs: bigint): Work<number> {
    const socket = socketOf(vm, descriptor)
    yield* vm.sockets.poll(socket, POLL.out, Number(timeoutMs))
    return isConnected(socket) ? 1 : 0
  },
  available: (vm: Vm, descriptor: Ref) => behind(vm, descriptor).available,
  sendOOB: () => {
    throw new JavaProblem('java/net/SocketException', 'Protocol not supported: urgent data')
  },
  discardOOB: () => 0,
  initIDs: () => undefined,
  pollinValue: () => POLL.in,
  polloutValue: () => POLL.out,
  pollerrValue: () => POLL.error,
  pollhupValue: () => POLL.hangUp,
  pollnvalValue: () => POLL.invalid,
  pollconnValue: () => POLL.out,
})
natives('sun/nio/ch/SocketDispatcher', {
  read0: (vm: Vm, descriptor: Ref, address: bigint, length: number) =>
    receive(vm, behind(vm, descriptor), address, length),
  readv0: (vm: Vm, descriptor: Ref, address: bigint, count: number) =>
    BigInt(vectored(vm, behind(vm, descriptor), address, count, receive)),
})
natives('sun/nio/ch/UnixDomainSockets', { init: () => 0 })

/** A pipe is a connection within the machine; its reader listens for one moment. */
function pipe(vm: Vm): bigint {
  const [listener, writer] = [new Socket(), new Socket()]
  listener.listen(1)
  joinSockets(writer, listener, listener.local)
  const reader = listener.accept() as Socket
  return (BigInt(vm.sockets.open(reader)) << 32n) | BigInt(vm.sockets.open(writer))
}
natives('sun/nio/ch/IOUtil', {
  makePipe: (vm: Vm) => net(() => pipe(vm)),
  write1: (vm: Vm, fd: number, byte: number) => net(() => endpointAt(vm, fd).write(Uint8Array.of(byte))),
  drain: (vm: Vm, fd: number) => {
    const endpoint = endpointAt(vm, fd)
    let some = 0
    while ((endpoint.read(128)?.length ?? 0) > 0) some = 1
    return some
  },
  drain1: (vm: Vm, fd: number) => endpointAt(vm, fd).read(1)?.length ?? 0,
})
natives('sun/nio/ch/EventFD', {
  eventfd0: (vm: Vm) => net(() => vm.sockets.open(new EventFlag())),
  set0: (vm: Vm, fd: number) => {
    const endpoint = filesOf(vm).get(fd)?.endpoint
    if (endpoint instanceof EventFlag) endpoint.set()
    return 0
  },
})
