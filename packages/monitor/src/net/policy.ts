import { DoppelError } from '@doppel/base'
import { type IpBlock, inBlock, type IpBytes, ipText, parseBlock, unmapped } from './ip-address.ts'

/** What guests of a network may reach. Entries are `example.org`, `*.example.org`, `192.0.2.0/24`, each with `:PORT` if need be. */
export interface NetworkPolicy {
  /** When given, only these may be reached. An address listed here may also be private, or the host itself. */
  readonly allow?: readonly string[]
  /** These may not be reached, whatever `allow` says. */
  readonly deny?: readonly string[]
}

/** One attempt to reach something, and what became of it. */
export interface PolicyEvent {
  readonly kind: 'tcp' | 'udp' | 'dns'
  /** An address and port, or for 'dns' a name. */
  readonly target: string
  readonly allowed: boolean
  /** The entry, or the default, that decided. */
  readonly rule: string
}

interface Decision {
  readonly allowed: boolean
  readonly rule: string
}

interface Entry {
  readonly text: string
  readonly port: number | undefined
  readonly block?: IpBlock
  /** A name in lower case; with `isSuffix`, of what may stand before it. */
  readonly name?: string
  readonly isSuffix?: boolean
}

/** What the world cannot see, and a guest only when it is allowed to: IANA's special-purpose registries (RFC 6890). */
const PRIVATE: readonly IpBlock[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  '64:ff9b:1::/48',
  '100::/64',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
].flatMap(text => parseBlock(text) ?? [])
/** Addresses remembered for the names that were asked for; the oldest makes room. */
const MAX_LEARNED = 4096

/** Decides what may be reached, and remembers which addresses belong to which allowed names. */
export class Egress {
  readonly #allow: readonly Entry[] | undefined
  readonly #deny: readonly Entry[]
  readonly #report: (event: PolicyEvent) => void
  /** Address to the names it was an answer for. */
  readonly #names = new Map<string, Set<string>>()

  /** Throws `net.policy` for an entry that is none. */
  constructor(policy: NetworkPolicy, report: (event: PolicyEvent) => void) {
    this.#allow = policy.allow?.map(parseEntry)
    this.#deny = (policy.deny ?? []).map(parseEntry)
    this.#report = report
  }

  /** Whether a connection or datagram may leave; reported. */
  mayReach(kind: 'tcp' | 'udp', address: IpBytes, port: number): boolean {
    const plain = unmapped(address)
    return this.#told(kind, `${showAddress(plain)}:${port}`, this.#decideAddress(plain, port))
  }

  /** Whether a name may be asked for; reported. */
  mayResolve(name: string): boolean {
    return this.#told('dns', name, this.#decideName(name.toLowerCase().replace(/\.$/, '')))
  }

  /** Remembers what a name stands for; guests reach names by these addresses. */
  learn(name: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set()
      this.#names.delete(address)
      this.#names.set(address, names.add(name.toLowerCase().replace(/\.$/, '')))
    }
    while (this.#names.size > MAX_LEARNED) {
      const oldest = this.#names.keys().next()
      if (!oldest.done) this.#names.delete(oldest.value)
    }
  }

  #decideAddress(address: IpBytes, port: number): Decision {
    const names = [...(this.#names.get(ipText(address)) ?? [])]
    const byAddress = (entry: Entry): boolean => entry.block !== undefined && inBlock(address, entry.block)
    const byName = (entry: Entry): boolean => names.some(name => matchesName(entry, name))
    const applies = (entry: Entry): boolean => entry.port === undefined || entry.port === port
    const denied = this.#deny.find(entry => applies(entry) && (byAddress(entry) || byName(entry)))
    if (denied) return { allowed: false, rule: `deny ${denied.text}` }
    const allowed = this.#allow?.find(entry => applies(entry) && byAddress(entry))
    if (allowed) return { allowed: true, rule: `allow ${allowed.text}` }
    // A name may stand for any address its owner likes: it opens no way to the host or its neighbours.
    if (PRIVATE.some(block => inBlock(address, block))) return { allowed: false, rule: 'private address' }
    const named = this.#allow?.find(entry => applies(entry) && byName(entry))
    if (named) return { allowed: true, rule: `allow ${named.text}` }
    return this.#allow ? { allowed: false, rule: 'not in allow' } : { allowed: true, rule: 'public address' }
  }

  #decideName(name: string): Decision {
    // An entry with a port closes that port only: the name is still needed for the others.
    const denied = this.#deny.find(entry => entry.port === undefined && matchesName(entry, name))
    if (denied) return { allowed: false, rule: `deny ${denied.text}` }
    if (!this.#allow) return { allowed: true, rule: 'any name' }
    const allowed = this.#allow.find(entry => matchesName(entry, name))
    if (allowed) return { allowed: true, rule: `allow ${allowed.text}` }
    // Names are a way out too: a query carries data to whoever answers it.
    return { allowed: false, rule: 'not in allow' }
  }

  #told(kind: PolicyEvent['kind'], target: string, { allowed, rule }: Decision): boolean {
    this.#report({ kind, target, allowed, rule })
    return allowed
  }
}

function matchesName(entry: Entry, name: string): boolean {
  if (entry.name === undefined) return false
  return entry.isSuffix ? name.endsWith(`.${entry.name}`) : name === entry.name
}

function showAddress(address: IpBytes): string {
  return address.length === 4 ? ipText(address) : `[${ipText(address)}]`
}

function parseEntry(text: string): Entry {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  const plain = /^([^:]*):(\d{1,5})$/.exec(text)
  const [, target = text, portText] = bracketed ?? plain ?? []
  const port = portText === undefined ? undefined : Number(portText)
  const block = parseBlock(target)
  if (port !== undefined && (port < 1 || port > 65_535)) throw badEntry(text)
  if (block) return { text, port, block }
  if (bracketed) throw badEntry(text)
  const name = target.toLowerCase().replace(/\.$/, '')
  const isSuffix = name.startsWith('*.')
  const base = isSuffix ? name.slice(2) : name
  const isName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(base)
  // All digits and dots is an address gone wrong.
  if (!isName || /^[\d./]+$/.test(base)) throw badEntry(text)
  return { text, port, name: base, isSuffix }
}

function badEntry(text: string): DoppelError {
  return new DoppelError(
    'net.policy',
    `'${text}' names nothing to allow or deny; write a name (example.org, *.example.org), an address or a block ` +
      `(192.0.2.0/24), with :PORT where only that port is meant ([fd00::1]:80 for IPv6)`,
    { text },
  )
}
