import { DoppelError } from '@doppel/base'

/** One entry of an initramfs. Paths have no leading slash; parents come before what they hold. */
export type CpioEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode?: number }
  | { readonly type: 'file'; readonly path: string; readonly bytes: Uint8Array; readonly mode?: number }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
  | { readonly type: 'character-device'; readonly path: string; readonly major: number; readonly minor: number }

const HEADER_BYTES = 110
const TRAILER = 'TRAILER!!!'
/** Archives are padded to this, so that another may follow: the kernel reads concatenated archives as one. */
const BLOCK_BYTES = 512

const S_IFDIR = 0o040000
const S_IFCHR = 0o020000
const S_IFREG = 0o100000
const S_IFLNK = 0o120000

interface Record {
  readonly path: Uint8Array
  readonly mode: number
  readonly data: Uint8Array
  readonly links: number
  readonly rdev: readonly [number, number]
}

const align4 = (length: number): number => (length + 3) & ~3
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const NOTHING = new Uint8Array(0)

/**
 * Writes a cpio archive in the "newc" format that the kernel reads as an initramfs (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst). Owner root, time 0: equal input gives equal bytes.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const records = [
    ...entries.map(recordOf),
    { path: utf8(TRAILER), mode: 0, data: NOTHING, links: 1, rdev: [0, 0] as const },
  ]
  let size = 0
  for (const { path, data } of records) size += align4(HEADER_BYTES + path.length + 1) + align4(data.length)
  const out = new Uint8Array(Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES)
  let at = 0
  for (const [index, { path, mode, data, links, rdev }] of records.entries()) {
    const inode = path.length === TRAILER.length && index === records.length - 1 ? 0 : index + 1
    const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, rdev[0], rdev[1], path.length + 1, 0]
    out.set(utf8(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`), at)
    out.set(path, at + HEADER_BYTES)
    at += align4(HEADER_BYTES + path.length + 1)
    out.set(data, at)
    at += align4(data.length)
  }
  return out
}

function recordOf(entry: CpioEntry): Record {
  const path = utf8(entry.path)
  const plain = { path, data: NOTHING, links: 1, rdev: [0, 0] as const }
  switch (entry.type) {
    case 'directory':
      return { ...plain, mode: S_IFDIR | (entry.mode ?? 0o755), links: 2 }
    case 'file':
      return { ...plain, mode: S_IFREG | (entry.mode ?? 0o644), data: entry.bytes }
    case 'symlink':
      return { ...plain, mode: S_IFLNK | 0o777, data: utf8(entry.target) }
    case 'character-device':
      return { ...plain, mode: S_IFCHR | 0o600, rdev: [entry.major, entry.minor] }
  }
}

/** The directories above the given paths, parents first, each once. */
export function parentDirectories(paths: readonly string[]): CpioEntry[] {
  const found = new Set<string>()
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) found.add(parts.slice(0, depth).join('/'))
  }
  return [...found].sort().map(path => ({ type: 'directory', path }))
}

/** Reads a newc archive's entries up to its trailer: path, mode and bytes. Throws `cpio.format`. */
export function readCpio(archive: Uint8Array): { path: string; mode: number; bytes: Uint8Array }[] {
  const fail = (reason: string, at: number): DoppelError =>
    new DoppelError('cpio.format', `cpio archive: ${reason} at byte ${at}`, { at })
  const entries: { path: string; mode: number; bytes: Uint8Array }[] = []
  for (let at = 0; ; ) {
    const header = new TextDecoder('latin1').decode(archive.subarray(at, at + HEADER_BYTES))
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) throw fail('expected a newc header', at)
    const field = (index: number): number => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16)
    const [nameBytes, dataBytes] = [field(11), field(6)]
    const start = at + align4(HEADER_BYTES + nameBytes)
    const end = start + dataBytes
    if (nameBytes === 0 || end > archive.length) throw fail('an entry goes past the end', at)
    const path = new TextDecoder().decode(archive.subarray(at + HEADER_BYTES, at + HEADER_BYTES + nameBytes - 1))
    if (path === TRAILER) return entries
    entries.push({ path, mode: field(1), bytes: archive.subarray(start, end) })
    at = start + align4(dataBytes)
  }
}
