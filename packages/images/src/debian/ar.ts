import { DoppelError } from '@doppel/base'

/** One member of an ar archive: where its bytes are. */
export interface ArMember {
  readonly name: string
  readonly offset: number
  readonly sizeBytes: number
}

/** What an ar archive begins with (ar(5)). */
export const AR_MAGIC = '!<arch>\n'
const HEADER_BYTES = 60
/** A .deb has three members, a few more at most (deb(5)). */
const MAX_MEMBERS = 64

/** Reads `lengthBytes` bytes at `offset`; fewer only at the end of the medium. */
export type ReadAt = (offset: number, lengthBytes: number) => Promise<Uint8Array>

/**
 * Lists an ar archive in the common format that deb(5) uses (16-byte names, no symbol table). `where` names the
 * file in errors. Throws `deb.format`.
 */
export async function arMembers(readAt: ReadAt, sizeBytes: number, where: string): Promise<ArMember[]> {
  const fail = (reason: string, offset: number): DoppelError =>
    new DoppelError('deb.format', `${where}: ${reason} at byte ${offset}`, { where, offset })
  const text = async (offset: number, lengthBytes: number): Promise<string> =>
    new TextDecoder('latin1').decode(await readAt(offset, lengthBytes))
  if ((await text(0, AR_MAGIC.length)) !== AR_MAGIC) throw fail('not an ar archive: expected !<arch>', 0)
  const members: ArMember[] = []
  let offset = AR_MAGIC.length
  while (offset < sizeBytes) {
    if (members.length === MAX_MEMBERS) throw fail(`more than ${MAX_MEMBERS} members`, offset)
    const header = await text(offset, HEADER_BYTES)
    if (header.length < HEADER_BYTES || header.slice(58) !== '`\n') throw fail('a damaged member header', offset)
    const size = header.slice(48, 58).trim()
    if (!/^\d+$/.test(size)) throw fail(`a member size of '${size}'`, offset)
    const start = offset + HEADER_BYTES
    const length = Number(size)
    if (start + length > sizeBytes) throw fail(`a member of ${length} bytes goes past the end`, offset)
    members.push({ name: header.slice(0, 16).trimEnd().replace(/\/$/, ''), offset: start, sizeBytes: length })
    offset = start + length + (length % 2)
  }
  return members
}

/** The header of a member, plain file of root's, whose name has at most fifteen characters. */
export function arHead(name: string, sizeBytes: number): Uint8Array {
  const fields = [name.padEnd(16), '0'.padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)]
  return new TextEncoder().encode(`${fields.join('')}${String(sizeBytes).padEnd(10)}\`\n`)
}
