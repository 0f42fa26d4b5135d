import { Errno } from '../../errno.ts'
import type { DirectoryEntry, NodeId, Outcome } from '../../folder-store.ts'
import { MAX_DATA_BYTES } from './control-ops.ts'
import { type FuseRequest, type FuseRow, fuseOp } from './row.ts'
import type { FuseSession } from './session.ts'
import { concat, dirent, ENTRY_OUT_BYTES, entryOut, openOut } from './wire.ts'

/** The inode number of an entry that was not looked up, as FUSE servers write it. */
const UNKNOWN_INO = 0xffff_ffffn
const S_IFDIR = 0o040000
const NOTHING = new Uint8Array(0)
const DOTS: readonly DirectoryEntry[] = [
  { name: '.', type: S_IFDIR },
  { name: '..', type: S_IFDIR },
]

const READ_ARGS = { handle: 'u64', offset: 'u64', size: 'u32' } as const

/** What lists directories. */
export const directoryOps: readonly FuseRow[] = [
  fuseOp({
    name: 'OPENDIR',
    opcode: 27,
    args: { flags: 'skip32', openFlags: 'skip32' },
    run: async (session, { node }) => {
      if (session.isFull) return Errno.ENFILE
      const { generation } = session
      const entries = await session.store.list(node)
      if (typeof entries === 'number') return entries
      return generation === session.generation ? openOut(session.keepDirectory([...DOTS, ...entries])) : Errno.ESTALE
    },
  }),
  fuseOp({
    name: 'READDIR',
    opcode: 28,
    args: READ_ARGS,
    run: (session, request) => list(session, request, ({ name, type }, next) => dirent(UNKNOWN_INO, next, type, name)),
  }),
  fuseOp({
    name: 'READDIRPLUS',
    opcode: 44,
    args: READ_ARGS,
    run: (session, request) => list(session, request, plus(session, request.node), ENTRY_OUT_BYTES),
  }),
  fuseOp({
    name: 'RELEASEDIR',
    opcode: 29,
    args: { handle: 'u64' },
    run: (session, { args }) => {
      session.releaseDirectory(args.handle)
      return NOTHING
    },
  }),
  fuseOp({
    name: 'FSYNCDIR',
    opcode: 30,
    args: { handle: 'u64' },
    run: () => NOTHING,
  }),
]

type Encode = (
  entry: { readonly name: Uint8Array; readonly text: string; readonly type: number },
  next: number,
) => Uint8Array | Promise<Uint8Array | undefined>

/** As many whole entries from `offset` on as fit; offsets are indices into the list made at OPENDIR. */
async function list(
  session: FuseSession,
  { args, roomBytes }: FuseRequest<keyof typeof READ_ARGS>,
  encode: Encode,
  extraBytes = 0,
): Promise<Outcome<Uint8Array>> {
  const entries = session.directory(args.handle)
  if (!entries) return Errno.EBADF
  const room = Math.min(args.size, roomBytes, MAX_DATA_BYTES)
  const parts: Uint8Array[] = []
  let used = 0
  for (let index = args.offset; index < entries.length; index++) {
    const { name: text, type } = entries[index] as DirectoryEntry
    const name = new TextEncoder().encode(text)
    // Looking up counts a reference, so whether the entry fits is settled before.
    const lengthBytes = extraBytes + ((24 + name.length + 7) & ~7)
    if (used + lengthBytes > room) {
      if (parts.length === 0) return Errno.EINVAL
      break
    }
    const part = await encode({ name, text, type }, index + 1)
    if (!part) continue
    parts.push(part)
    used += part.length
  }
  return concat(...parts)
}

/** An entry with its attributes; one that has gone since OPENDIR is left out. `.` and `..` carry no reference. */
function plus(session: FuseSession, parent: NodeId): Encode {
  return async ({ name, text, type }, next) => {
    if (text === '.' || text === '..')
      return concat(new Uint8Array(ENTRY_OUT_BYTES), dirent(UNKNOWN_INO, next, type, name))
    const entry = await session.store.lookup(parent, text)
    if (typeof entry === 'number') return undefined
    return concat(entryOut(entry), dirent(entry.attributes.ino, next, type, name))
  }
}
