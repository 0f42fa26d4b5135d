import { DoppelError } from '@doppel/base'

/** An address as packets carry it: 4 or 16 bytes. */
export type IpBytes = Uint8Array

/** The canonical text of an address: dotted for 4 bytes, RFC 5952 for 16. */
export function ipText(bytes: IpBytes): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  const zeros = longestZeros(groups)
  if (zeros.length < 2) return groups.join(':')
  return `${groups.slice(0, zeros.at).join(':')}::${groups.slice(zeros.at + zeros.length).join(':')}`
}

/** The bytes of an address in text, or undefined when it is none. */
export function parseIp(text: string): IpBytes | undefined {
  if (text.includes(':')) return parseIpv6(text)
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return Uint8Array.from(parts, Number)
}

/** The bytes of an address that must be one. Throws `net.address`. */
export function ipBytes(text: string): IpBytes {
  const bytes = parseIp(text)
  if (bytes) return bytes
  throw new DoppelError('net.address', `'${text}' is no IP address; write for example 10.0.2.15 or fd00::15`, { text })
}

/** A block of addresses: those that share the first `prefixBits` bits with `base`. */
export interface IpBlock {
  readonly base: IpBytes
  readonly prefixBits: number
}

/** The block that `10.0.0.0/8`, or a lone address, names; undefined when it is neither. */
export function parseBlock(text: string): IpBlock | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const base = parseIp(address)
  if (!base || rest.length > 0) return undefined
  const widthBits = base.length * 8
  if (prefix === undefined) return { base, prefixBits: widthBits }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > widthBits) return undefined
  return { base, prefixBits: Number(prefix) }
}

/** True when the address lies in the block. */
export function inBlock(address: IpBytes, { base, prefixBits }: IpBlock): boolean {
  if (address.length !== base.length) return false
  const whole = prefixBits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== base[i]) return false
  const mask = (0xff00 >> (prefixBits & 7)) & 0xff
  return mask === 0 || ((address[whole] ?? 0) & mask) === ((base[whole] ?? 0) & mask)
}

/** Of an address that stands for an IPv4 one (::ffff:a.b.c.d, RFC 4291 §2.5.5.2), that one; else the address. */
export function unmapped(address: IpBytes): IpBytes {
  const isMapped = address.length === 16 && inBlock(address, MAPPED)
  return isMapped ? address.subarray(12) : address
}

const MAPPED: IpBlock = { base: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0), prefixBits: 96 }

function longestZeros(groups: readonly string[]): { readonly at: number; readonly length: number } {
  let best = { at: 0, length: 0 }
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > best.length) best = { at, length }
    at += length
  }
  return best
}

function parseIpv6(text: string): IpBytes | undefined {
  // A dotted end stands for the last two groups (RFC 4291 §2.2).
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const end = dotted?.[2] === undefined ? undefined : parseIp(dotted[2])
  if (dotted && !end) return undefined
  const plain = end ? `${dotted?.[1]}${hexGroup(end, 0)}:${hexGroup(end, 2)}` : text
  const halves = plain.split('::').map(half => (half === '' ? [] : half.split(':')))
  const [head = [], tail] = halves
  if (halves.length > 2 || [...head, ...(tail ?? [])].some(group => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const omitted = 8 - head.length - (tail?.length ?? 0)
  if (tail ? omitted < 1 : omitted !== 0) return undefined
  const groups = [...head, ...Array<string>(omitted).fill('0'), ...(tail ?? [])].map(group =>
    Number.parseInt(group, 16),
  )
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

function hexGroup(bytes: IpBytes, at: number): string {
  return (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16)
}
