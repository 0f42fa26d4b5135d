import { closeSync, openSync, writeSync } from 'node:fs'
import { DoppelError, hostClock, hostEntropy, type NetPort } from '@doppel/base'
import { NetSwitch } from '@doppel/devices'
import { captured, Gateway, type NetworkPolicy, type PolicyEvent, pcapHeader, rateLimited } from '@doppel/monitor'
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
  /** A network with a name (see doppel network), in place of one of its own. */
  readonly name?: string
  readonly publish: readonly PublishOption[]
  readonly policy: NetworkPolicy
  /** What may pass each way, bits per second. */
  readonly bitsPerSecond?: number
  /** A file for what the machine sends and receives, in pcap format. */
  readonly capture?: string
}

/** A guest's port that is reachable, and where. */
export interface PublishedPort {
  readonly guestPort: number
  readonly hostAddress: string
  readonly hostPort: number
}

/** A place in a network, as the network gives it. */
export interface NetworkSocket {
  readonly port: NetPort
  /** The card's address. */
  readonly mac: string
  /** Makes a TCP port of this machine's reachable; resolves with the host's port. Throws `net.listen`. */
  publish(option: PublishOption): Promise<number>
  /** What has been published. */
  published(): readonly PublishedPort[]
  /** Takes the machine out of the network; what it published ends. */
  close(): void
}

/** One machine's place in a network. */
export interface NetworkPlug extends NetworkSocket {
  /** Lets so many bits a second through each way from now on; Infinity for no limit. */
  setRate(bitsPerSecond: number): void
}

/** Machines on one switch, with a router that is their way out. */
export class Network {
  readonly #net = new NetSwitch()
  readonly #gateway: Gateway
  readonly policy: NetworkPolicy

  /** Throws `net.policy`. */
  constructor({
    policy = {},
    onPolicy = () => undefined,
  }: { readonly policy?: NetworkPolicy; readonly onPolicy?: (event: PolicyEvent) => void } = {}) {
    this.policy = policy
    this.#gateway = new Gateway({
      port: this.#net.port(),
      host: nodeNetwork,
      names: nodeNames,
      clock: hostClock(),
      timers: nodeTimers,
      entropy: hostEntropy,
      policy,
      onPolicy,
    })
  }

  /** A new place for a machine. Throws `net.capture`. */
  plug({ capture, bitsPerSecond, mac = freshMac() }: PlugOptions = {}): NetworkPlug {
    const plug = this.#net.port()
    const { port, setRate, close } = filtered(plug, { capture, bitsPerSecond })
    const listeners: { close(): void }[] = []
    const published: PublishedPort[] = []
    return {
      port,
      mac,
      publish: async option => {
        const listener = await this.#gateway.publish({ ...option, guestMac: mac })
        listeners.push(listener)
        published.push({ ...option, hostPort: listener.port })
        return listener.port
      },
      published: () => published,
      setRate,
      close: () => {
        for (const each of listeners) each.close()
        close()
        plug.unplug()
      },
    }
  }

  /** Ends every connection; machines that are still plugged in reach one another, and nothing else. */
  close(): void {
    this.#gateway.close()
  }
}

/** How one machine is plugged in. */
interface PlugOptions extends Pick<NetworkOption, 'capture' | 'bitsPerSecond'> {
  /** Its card's address; a new one when not given. */
  readonly mac?: string
}

/** A port of the switch's as a machine gets it. */
interface Filtered {
  readonly port: NetPort
  readonly setRate: (bitsPerSecond: number) => void
  readonly close: () => void
}

/** A port with a rate, and with an ear on it. Throws `net.capture`. */
function filtered(
  plug: NetPort,
  {
    capture,
    bitsPerSecond,
  }: Partial<Record<'capture', string | undefined> & Record<'bitsPerSecond', number | undefined>>,
): Filtered {
  const tap = capture === undefined ? undefined : openCapture(capture)
  const limited = rateLimited(plug, (bitsPerSecond ?? Infinity) / 8, hostClock(), nodeTimers)
  return {
    port: tap ? captured(limited, tap.write, hostClock()) : limited,
    setRate: bits => limited.setRate(bits / 8),
    close: () => {
      limited.close()
      tap?.close()
    },
  }
}

/**
 * A machine's place: in the network it shares, in one with a name, or in one of its own that closes with it; its ports
 * published; `mac` is its card's address if it has one already. Nothing stays open when it throws `net.policy`, `net.listen`, `net.capture`, `net.unknown` or `net.lost`.
 */
export async function openPlug(
  option: NetworkOption,
  shared: Network | undefined,
  join: (name: string) => Promise<NetworkSocket>,
  mac?: string,
): Promise<NetworkPlug> {
  const named = shared || option.name === undefined ? undefined : await join(option.name)
  const own = shared ?? (named ? undefined : new Network({ policy: option.policy }))
  const plug = own?.plug({ ...option, ...(mac !== undefined && { mac }) }) ?? around(named as NetworkSocket, option)
  const close = (): void => {
    plug.close()
    if (!shared) own?.close()
  }
  try {
    for (const each of option.publish) await plug.publish(each)
  } catch (error) {
    close()
    throw error
  }
  return {
    port: plug.port,
    mac: plug.mac,
    publish: each => plug.publish(each),
    published: () => plug.published(),
    setRate: bits => plug.setRate(bits),
    close,
  }
}

function around(plug: NetworkSocket, option: NetworkOption): NetworkPlug {
  const { port, setRate, close } = filtered(plug.port, option)
  return {
    port,
    mac: plug.mac,
    publish: each => plug.publish(each),
    published: () => plug.published(),
    setRate,
    close: () => {
      close()
      plug.close()
    },
  }
}

/** A new capture file. A full disk ends the capture, not the machine. Throws `net.capture`. */
function openCapture(path: string): { readonly write: (record: Uint8Array) => void; readonly close: () => void } {
  let file: number | undefined
  const close = (): void => {
    if (file !== undefined) closeSync(file)
    file = undefined
  }
  try {
    file = openSync(path, 'w', 0o600)
    writeSync(file, pcapHeader())
  } catch (error) {
    close()
    throw new DoppelError('net.capture', `cannot write ${path}: ${(error as Error).message}`, { path }, error)
  }
  return {
    write: record => {
      if (file === undefined) return
      try {
        writeSync(file, record)
      } catch (error) {
        close()
        process.emitWarning(`the capture in ${path} ends here: ${(error as Error).message}`)
      }
    },
    close,
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

/** Reads `100M`: bits per second, with K, M or G for thousands of thousands. Throws `cli.flag-value`. */
export function readRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG])?(?:bit)?$/i.exec(text)
  const unit = { k: 1e3, m: 1e6, g: 1e9 }[match?.[2]?.toLowerCase() ?? ''] ?? 1
  const bitsPerSecond = Number(match?.[1] ?? 0) * unit
  if (bitsPerSecond >= 1000) return bitsPerSecond
  throw new DoppelError(
    'cli.flag-value',
    `--network-rate is '${text}'; expected bits per second such as 100M, at least 1K`,
    { flag: 'network-rate', value: text },
  )
}

/** A card's address: locally administered, and different for every machine. */
function freshMac(): string {
  const bytes = new Uint8Array(3)
  hostEntropy.fill(bytes)
  return ['52', '54', '00', ...[...bytes].map(byte => byte.toString(16).padStart(2, '0'))].join(':')
}
