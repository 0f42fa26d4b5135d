import { lookup, Resolver } from 'node:dns/promises'
import type { NameService } from '@doppel/monitor'
import packet, { type Answer, type Packet } from 'dns-packet'

/** Answers live so long in a guest's cache: the host knows better when names change. */
const TTL_S = 30
const MIN_BYTES = 512
const MAX_UDP_BYTES = 4096
/** The kind of query; 0 is the ordinary one (RFC 1035 §4.1.1). */
const OPCODE = 0x7800
/** RFC 1035 §4.1.1 and RFC 2136 §2.2. */
const RCODE = { ok: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_NONAME'])
const NO_DATA: ReadonlySet<string> = new Set(['ENODATA', 'EAI_NODATA'])

type Records = readonly Answer[]

const resolver = new Resolver({ timeout: 5000, tries: 2 })

/** How each type of question is answered: addresses as the host's own programs find them (its hosts file included). */
const QUESTIONS: Readonly<Record<string, (name: string) => Promise<Records>>> = {
  A: name => addresses(name, 4),
  AAAA: name => addresses(name, 6),
  CNAME: async name => (await resolver.resolveCname(name)).map(data => ({ ...head(name), type: 'CNAME', data })),
  MX: async name =>
    (await resolver.resolveMx(name)).map(({ priority, exchange }) => ({
      ...head(name),
      type: 'MX',
      data: { preference: priority, exchange },
    })),
  NS: async name => (await resolver.resolveNs(name)).map(data => ({ ...head(name), type: 'NS', data })),
  PTR: async name => (await resolver.resolvePtr(name)).map(data => ({ ...head(name), type: 'PTR', data })),
  SRV: async name =>
    (await resolver.resolveSrv(name)).map(({ priority, weight, port, name: target }) => ({
      ...head(name),
      type: 'SRV',
      data: { priority, weight, port, target },
    })),
  TXT: async name => (await resolver.resolveTxt(name)).map(data => ({ ...head(name), type: 'TXT', data })),
}

/** The host's name service. */
export const nodeNames: NameService = {
  answer: async (bytes, maxBytes, isAllowed) => {
    const query = decode(bytes)
    if (query?.type !== 'query') return undefined
    const [question] = query.questions ?? []
    if (!question || query.questions?.length !== 1 || ((query.flags ?? 0) & OPCODE) !== 0) {
      return {
        message: reply(query, question ? RCODE.notImplemented : RCODE.formatError, [], maxBytes),
        name: '',
        addresses: [],
      }
    }
    const { name, type } = question
    const { code, records } = isAllowed(name) ? await resolve(name, type) : { code: RCODE.refused, records: [] }
    const found = records.flatMap(record => (record.type === 'A' || record.type === 'AAAA' ? [record.data] : []))
    return { message: reply(query, code, records, limitOf(query, maxBytes)), name, addresses: found }
  },
}

async function resolve(name: string, type: string): Promise<{ readonly code: number; readonly records: Records }> {
  const ask = QUESTIONS[type]
  if (!ask) return { code: RCODE.notImplemented, records: [] }
  try {
    return { code: RCODE.ok, records: await ask(name) }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (NO_DATA.has(code)) return { code: RCODE.ok, records: [] }
    return { code: NO_SUCH_NAME.has(code) ? RCODE.noSuchName : RCODE.serverFailure, records: [] }
  }
}

async function addresses(name: string, family: 4 | 6): Promise<Records> {
  // A family without an address is no error when the other has one.
  const all = await lookup(name, { all: true })
  const type = family === 4 ? 'A' : 'AAAA'
  return all.filter(each => each.family === family).map(({ address }) => ({ ...head(name), type, data: address }))
}

function head(name: string): { readonly name: string; readonly ttl: number } {
  return { name, ttl: TTL_S }
}

function decode(bytes: Uint8Array): Packet | undefined {
  try {
    return packet.decode(Buffer.from(bytes))
  } catch {
    // Not a DNS message: dropped, as name servers do.
    return undefined
  }
}

/** What the asker takes: 512 bytes, or what its EDNS record says (RFC 6891 §6.2.3); all of TCP's limit. */
function limitOf({ additionals }: Packet, maxBytes: number): number {
  const edns = additionals?.find(record => record.type === 'OPT')
  const asked = edns?.type === 'OPT' ? Math.min(edns.udpPayloadSize, MAX_UDP_BYTES) : MIN_BYTES
  return Math.max(maxBytes, asked)
}

function reply(query: Packet, code: number, answers: Records, maxBytes: number): Uint8Array {
  const flags = packet.RECURSION_AVAILABLE | ((query.flags ?? 0) & packet.RECURSION_DESIRED) | code
  const base = { type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [] } as const
  const whole = packet.encode({ ...base, answers: [...answers] })
  if (whole.length <= maxBytes) return whole
  return packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE })
}
