import { get16, get32, put16, put32, utf8Text } from '@doppel/base'
import { type IpBytes, ipText } from './ip-address.ts'

// The message, RFC 2131 §2.
const FIXED_BYTES = 236
const COOKIE = 0x6382_5363
const AT = {
  op: 0,
  hardware: 1,
  hardwareBytes: 2,
  id: 4,
  flags: 10,
  client: 12,
  yours: 16,
  server: 20,
  mac: 28,
} as const
const REQUEST_OP = 1
const REPLY_OP = 2
const MAX_OPTIONS = 64
/** Options, RFC 2132. */
const OPTION = {
  mask: 1,
  router: 3,
  nameServer: 6,
  hostName: 12,
  mtu: 26,
  broadcast: 28,
  requested: 50,
  lease: 51,
  type: 53,
  server: 54,
  end: 255,
} as const
const MESSAGE = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 } as const
const LEASE_S = 86_400

/** What a network's guests are told. Addresses are 4 bytes. */
export interface DhcpFacts {
  readonly server: IpBytes
  readonly mask: IpBytes
  readonly nameServer: IpBytes
  readonly mtuBytes: number
}

/** An answer, and the host it goes to; undefined means everyone on the link. */
export interface DhcpAnswer {
  readonly message: Uint8Array
  readonly to: IpBytes | undefined
  /** The card that now has an address. */
  readonly lease?: { readonly address: IpBytes; readonly mac: Uint8Array }
}

/** Hands out the addresses of one network; a card keeps the one it was given. RFC 2131. */
export class DhcpServer {
  readonly #facts: DhcpFacts
  readonly #pool: readonly IpBytes[]
  /** MAC address, as text, to its place in the pool; the order is that of last use. */
  readonly #leases = new Map<string, number>()
  readonly #names = new Map<string, string>()

  constructor(facts: DhcpFacts, pool: readonly IpBytes[]) {
    this.#facts = facts
    this.#pool = pool
  }

  /** The host name that the holder of an address told us. */
  nameOf(address: IpBytes): string | undefined {
    return this.#names.get(ipText(address))
  }

  /** Answers a client's message; undefined when it is malformed or needs no answer. */
  answer(query: Uint8Array): DhcpAnswer | undefined {
    const options = parseOptions(query)
    if (!options || query[AT.op] !== REQUEST_OP) return undefined
    const mac = [...query.subarray(AT.mac, AT.mac + 6)].map(byte => byte.toString(16).padStart(2, '0')).join(':')
    const type = options.get(OPTION.type)?.[0]
    const client = query.slice(AT.client, AT.client + 4)
    const server = options.get(OPTION.server)
    if (server && !same(server, this.#facts.server)) return undefined
    if (type === MESSAGE.release) this.#leases.delete(mac)
    if (type === MESSAGE.inform) return { message: this.#reply(query, MESSAGE.ack, undefined), to: client }
    if (type !== MESSAGE.discover && type !== MESSAGE.request) return undefined
    const address = this.#leaseFor(mac)
    if (!address) return undefined
    if (type === MESSAGE.discover) return { message: this.#reply(query, MESSAGE.offer, address), to: undefined }
    const wanted = options.get(OPTION.requested) ?? client
    if (!same(wanted, address)) return { message: this.#reply(query, MESSAGE.nak, undefined), to: undefined }
    const name = options.get(OPTION.hostName)
    if (name) this.#names.set(ipText(address), utf8Text(name))
    const isRenewal = client.some(byte => byte !== 0)
    return {
      message: this.#reply(query, MESSAGE.ack, address),
      to: isRenewal ? client : undefined,
      lease: { address, mac: query.slice(AT.mac, AT.mac + 6) },
    }
  }

  #leaseFor(mac: string): IpBytes | undefined {
    const known = this.#leases.get(mac)
    if (known === undefined && this.#leases.size >= this.#pool.length) {
      const oldest = this.#leases.keys().next()
      if (!oldest.done) this.#leases.delete(oldest.value)
    }
    const taken = new Set(this.#leases.values())
    const place = known ?? this.#pool.findIndex((_, i) => !taken.has(i))
    this.#leases.delete(mac)
    this.#leases.set(mac, place)
    return this.#pool[place]
  }

  #reply(query: Uint8Array, type: number, address: IpBytes | undefined): Uint8Array {
    const { server, mask, nameServer, mtuBytes } = this.#facts
    const message = new Uint8Array(FIXED_BYTES + 4 + 60)
    message[AT.op] = REPLY_OP
    message.set(query.subarray(AT.hardware, AT.hardware + 2), AT.hardware)
    put32(message, AT.id, get32(query, AT.id))
    put16(message, AT.flags, get16(query, AT.flags))
    if (address) message.set(address, AT.yours)
    message.set(server, AT.server)
    message.set(query.subarray(AT.mac, AT.mac + 16), AT.mac)
    put32(message, FIXED_BYTES, COOKIE)
    const lease = new Uint8Array(4)
    put32(lease, 0, LEASE_S)
    const mtu = new Uint8Array(2)
    put16(mtu, 0, mtuBytes)
    const network: [number, Uint8Array][] = [
      [OPTION.mask, mask],
      [OPTION.router, server],
      [OPTION.nameServer, nameServer],
      [OPTION.mtu, mtu],
    ]
    const all: [number, Uint8Array][] = [
      [OPTION.type, Uint8Array.of(type)],
      [OPTION.server, server],
      ...(type === MESSAGE.nak ? [] : network),
      ...(address ? [[OPTION.lease, lease] as [number, Uint8Array]] : []),
    ]
    let at = FIXED_BYTES + 4
    for (const [option, value] of all) {
      message.set([option, value.length, ...value], at)
      at += 2 + value.length
    }
    message[at] = OPTION.end
    return message
  }
}

function parseOptions(query: Uint8Array): Map<number, Uint8Array> | undefined {
  const isForEthernet = query[AT.hardware] === 1 && query[AT.hardwareBytes] === 6
  if (query.length < FIXED_BYTES + 4 || !isForEthernet || get32(query, FIXED_BYTES) !== COOKIE) return undefined
  const options = new Map<number, Uint8Array>()
  let at = FIXED_BYTES + 4
  for (let count = 0; count < MAX_OPTIONS && at < query.length && query[at] !== OPTION.end; count++) {
    const lengthBytes = query[at] === 0 ? -1 : (query[at + 1] ?? 0)
    if (at + 2 + lengthBytes > query.length) return undefined
    if (lengthBytes >= 0) options.set(query[at] ?? 0, query.subarray(at + 2, at + 2 + lengthBytes))
    at += 2 + lengthBytes
  }
  return options
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
