import { JavaProblem } from '../problem.ts'
import type { JavaClass, Method, Ref } from '../runtime/classes.ts'
import { invoke, wait, type Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { natives } from './table.ts'

/** The machine’s own name. */
const HOST_NAME = 'localhost'

/** A Java array of bytes, or an int in network order, as dotted decimals. */
const dotted = (bytes: readonly number[]): string => bytes.map(b => b & 255).join('.')
const bytesOf = (address: string): number[] => address.split('.').map(Number)

/** The IPv4 address of a java.net.InetAddress. */
export function addressOf(vm: Vm, inetAddress: Ref): string {
  if (inetAddress === null) throw new JavaProblem('java/lang/NullPointerException')
  const holder = vm.heap.get(inetAddress, 'holder') as Ref
  const word = vm.heap.get(holder, 'address') as number
  return dotted([word >>> 24, word >>> 16, word >>> 8, word])
}

/** A new java.net.Inet4Address. */
export function* inetAddress(vm: Vm, address: string, name: string | null): Work<Ref> {
  const cls = vm.classes.boot('java/net/Inet4Address')
  yield* vm.linker.initialize(cls)
  const object = vm.heap.allocate(cls)
  const bytes = vm.heap.byteArray(Uint8Array.from(bytesOf(address)))
  yield* invoke(constructor(cls, '(Ljava/lang/String;[B)V'), object, vm.heap.stringOrNull(name), bytes)
  return object
}
/** A new java.net.InetSocketAddress. */
export function* socketAddress(vm: Vm, address: string, port: number): Work<Ref> {
  const cls = vm.classes.boot('java/net/InetSocketAddress')
  yield* vm.linker.initialize(cls)
  const object = vm.heap.allocate(cls)
  yield* invoke(constructor(cls, '(Ljava/net/InetAddress;I)V'), object, yield* inetAddress(vm, address, null), port)
  return object
}
const constructor = (cls: JavaClass, descriptor: string): Method => cls.declared('<init>', descriptor) as Method

function* lookup(vm: Vm, name: string): Work<readonly string[]> {
  if (name === HOST_NAME || name.endsWith(`.${HOST_NAME}`)) return ['127.0.0.1']
  const { network } = vm.host
  let found: readonly string[] = []
  if (network) {
    yield* wait(
      network.lookup(name).then(addresses => {
        found = addresses.filter(address => /^\d{1,3}(\.\d{1,3}){3}$/.test(address))
      }),
    )
  }
  return found
}

natives('java/net/Inet4AddressImpl', {
  getLocalHostName: (vm: Vm) => vm.heap.string(HOST_NAME),
  *lookupAllHostAddr(vm: Vm, _self: Ref, name: Ref): Work<Ref> {
    const text = vm.heap.text(name)
    const addresses = yield* lookup(vm, text)
    if (addresses.length === 0) {
      throw new JavaProblem('java/net/UnknownHostException', `${text}: Name or service not known`)
    }
    const found: Ref[] = []
    for (const address of addresses) found.push(yield* inetAddress(vm, address, text))
    return vm.heap.refArray('[Ljava/net/InetAddress;', found)
  },
  getHostByAddr: (vm: Vm, _self: Ref, address: Ref) => {
    if (vm.rt.getB(address, 0) === 127) return vm.heap.string(HOST_NAME)
    throw new JavaProblem('java/net/UnknownHostException')
  },
  isReachable0: (vm: Vm, _self: Ref, address: Ref) => (vm.rt.getB(address, 0) === 127 ? 1 : 0),
})
for (const name of ['InetAddress', 'Inet4Address', 'Inet6Address', 'NetworkInterface']) {
  natives(`java/net/${name}`, { init: () => undefined })
}
natives('java/net/InetAddressImplFactory', { isIPv6Supported: () => 0 })
natives('java/net/NetworkInterface', {
  getAll: () => null,
  getByName0: () => null,
  getByIndex0: () => null,
  getByInetAddress0: () => null,
  boundInetAddress0: () => 0,
})
natives('sun/net/spi/DefaultProxySelector', { init: () => 0 })
natives('sun/net/PortConfig', { getLower0: () => 32_768, getUpper0: () => 60_999 })
natives('jdk/net/LinuxSocketOptions', {
  keepAliveOptionsSupported0: () => 0,
  quickAckSupported0: () => 0,
  incomingNapiIdSupported0: () => 0,
})
