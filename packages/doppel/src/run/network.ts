import { closeSync, openSync, writeSync } from 'node:fs'
import { DoppelError, hostClock, hostEntropy, type NetPort } from '@doppel/base'
import { NetSwitch } from '@doppel/devices'
import { captured, Gateway, pcapHeader, type NetworkPolicy, type PolicyEvent } from '@doppel/monitor'
import { nodeNames } from '../host/net/node-names.ts'
import { nodeNetwork, nodeTimers } from '../host/net/node-network.ts'

/** A guest's TCP port that the host listens for. */
export interface PublishOption {
  readonly hostAddress: string
  /** 0 takes a free one. */
  readonly hostPort: number
  readonly guestPort: number
}

/** A machine's network: none, or one of its own with a way out. */
export interface NetworkOption {
  readonly mode: 'nat' | 'none'
  readonly publish: readonly PublishOption[]
  readonly policy: NetworkPolicy
  /** A file for what the machine sends and receives, in pcap format. */
  readonly capture?: string
}

/** A network in use. */
export interface MachineNetwork {
  /** The machine's plug. */
  readonly port: NetPort
  /** Where each published port is reached, in the order asked for. */
  readonly published: readonly (PublishOption & { readonly hostPort: number })[]
  /** Makes one more port reachable; resolves with the host's. Throws `net.listen`. */
  publish(option: PublishOption): Promise<number>
  close(): void
}

/** Opens a network with its gateway and published ports; nothing stays open when it throws `net.policy`, `net.listen` or `net.capture`. */
export async function openNetwork(
  { publish, policy, capture }: NetworkOption,
  onPolicy: (event: PolicyEvent) => void,
): Promise<MachineNetwork> {
  const net = new NetSwitch()
  const gateway = new Gateway({
    port: net.port(),
    host: nodeNetwork,
    names: nodeNames,
    clock: hostClock(),
    timers: nodeTimers,
    entropy: hostEntropy,
    policy,
    onPolicy,
  })
  const open = async (option: PublishOption): Promise<number> => (await gateway.publish(option)).port
  const tap = capture === undefined ? undefined : openCapture(capture)
  const published: (PublishOption & { readonly hostPort: number })[] = []
  try {
    for (const option of publish) published.push({ ...option, hostPort: await open(option) })
  } catch (error) {
    gateway.close()
    tap?.close()
    throw error
  }
  const port = net.port()
  return {
    port: tap ? captured(port, tap.write, hostClock()) : port,
    published,
    publish: open,
    close: () => {
      gateway.close()
      tap?.close()
    },
  }
}

/** A new capture file. Throws `net.capture`. */
function openCapture(path: string): { readonly write: (record: Uint8Array) => void; readonly close: () => void } {
  try {
    const file = openSync(path, 'w', 0o600)
    writeSync(file, pcapHeader())
    return { write: record => void writeSync(file, record), close: () => closeSync(file) }
  } catch (error) {
    throw new DoppelError('net.capture', `cannot write ${path}: ${(error as Error).message}`, { path }, error)
  }
}

/** Reads `[ADDRESS:][HOSTPORT:]GUESTPORT`. Throws `cli.flag-value`. */
export function readPublish(text: string): PublishOption {
  const match = /^(?:(?:(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(\d{0,5}):)?(\d{1,5})(?:\/tcp)?$/.exec(text)
  const [hostPort, guestPort] = [Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)]
  if (!match || guestPort < 1 || guestPort > 0xffff || hostPort > 0xffff) {
    throw new DoppelError(
      'cli.flag-value',
      `--publish is '${text}'; expected HOSTPORT:GUESTPORT, ADDRESS:HOSTPORT:GUESTPORT or GUESTPORT, for TCP`,
      { flag: 'publish', value: text },
    )
  }
  return { hostAddress: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), hostPort, guestPort }
}

/** A card's address: locally administered, and different for every machine. */
export function freshMac(): string {
  const bytes = new Uint8Array(3)
  hostEntropy.fill(bytes)
  return ['52', '54', '00', ...[...bytes].map(byte => byte.toString(16).padStart(2, '0'))].join(':')
}
