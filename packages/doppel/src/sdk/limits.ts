import { DoppelError, formatSize } from '@doppel/base'
import { cpuLimits, type DiskRate } from '@doppel/monitor'
import { readMemory } from '../cli/run-options.ts'
import type { NetworkPlug } from '../run/network.ts'
import type { MachineLimits } from './options.ts'

const MIN_DISK_BYTES = 4096
const MIN_NETWORK_BITS = 1000

/** Throws `limits.disk` for a rate that would let nothing through. */
export function checkDiskRate({ bytesPerSecond = Infinity, operationsPerSecond = Infinity }: DiskRate): void {
  if (bytesPerSecond >= MIN_DISK_BYTES && operationsPerSecond >= 1) return
  throw new DoppelError(
    'limits.disk',
    `${bytesPerSecond} bytes and ${operationsPerSecond} requests a second; expected at least ${MIN_DISK_BYTES} and 1`,
    { bytesPerSecond, operationsPerSecond },
  )
}

/** Throws `net.none` for a machine without a network, `limits.network` for a rate that would let nothing through. */
export function checkNetworkRate(bitsPerSecond: number, network: NetworkPlug | undefined): void {
  if (!network) throw new DoppelError('net.none', 'this machine has no network')
  if (bitsPerSecond >= MIN_NETWORK_BITS) return
  throw new DoppelError('limits.network', `${bitsPerSecond} bits a second; expected at least ${MIN_NETWORK_BITS}`)
}

/** Bytes that a machine is to have at most. Throws `cli.flag-value`, and `limits.memory` for what it cannot be given. */
export function memoryLimit(memory: string | number, madeWithBytes: number, balloon: object | undefined): number {
  const bytes = readMemory(memory)
  if (bytes <= madeWithBytes && balloon) return bytes
  const reason = balloon
    ? `it was made with ${formatSize(madeWithBytes)}, which is the most it can have`
    : 'a bare-metal program keeps its memory'
  throw new DoppelError('limits.memory', `${formatSize(bytes)} of memory: ${reason}`, { bytes })
}

/** A machine's network, to publish a port of the guest's. Throws `net.none`, and `net.port` for what is none. */
export function networkFor(guestPort: number, network: NetworkPlug | undefined): NetworkPlug {
  if (!network) throw new DoppelError('net.none', 'this machine has no network')
  if (Number.isInteger(guestPort) && guestPort >= 1 && guestPort <= 0xffff) return network
  throw new DoppelError('net.port', `${guestPort} is no port; expected 1 to 65535`, { guestPort })
}

/** Limits as the control socket has them; a rate of 0 is none, since JSON has no infinity. Throws `cli.flag-value`. */
export function limitsMessage({ memory, diskRate, networkRate, ...cpu }: MachineLimits): Record<string, unknown> {
  const rate = (value: number | undefined): number | undefined => (value === Infinity ? 0 : value)
  return {
    op: 'set',
    ...cpuLimits(cpu),
    memory: typeof memory === 'string' ? readMemory(memory) : memory,
    diskRate: rate(diskRate?.bytesPerSecond),
    diskOperations: rate(diskRate?.operationsPerSecond),
    networkRate: rate(networkRate),
  }
}
