import { Errno } from '../../errno.ts'
import type { OpenMode } from '../../folder-store.ts'
import { MAX_DATA_BYTES } from './control-ops.ts'
import { fuseOp, type FuseRow } from './row.ts'
import type { FuseSession } from './session.ts'
import { concat, entryOut, openOut, words } from './wire.ts'

// open(2) flags, asm-generic: the same on riscv64, x86-64 and arm64 where they are looked at here.
const O_ACCMODE = 3
const O_RDONLY = 0
const O_WRONLY = 1
const O_EXCL = 0o200
const O_TRUNC = 0o1000

const PERMISSIONS = 0o7777
const FSYNC_DATA_ONLY = 1
/** Linux's largest file offset. */
const MAX_OFFSET: number = Number.MAX_SAFE_INTEGER - MAX_DATA_BYTES
const NOTHING = new Uint8Array(0)

/** What opens, reads and writes files. */
export const fileOps: readonly FuseRow[] = [
  fuseOp({
    name: 'OPEN',
    opcode: 14,
    args: { flags: 'u32', openFlags: 'skip32' },
    run: async (session, { node, args }) => {
      const mode = openMode(args.flags)
      if (session.store.readOnly && (mode.write || mode.truncate)) return Errno.EROFS
      if (session.isFull) return Errno.ENFILE
      const { generation } = session
      const file = await session.store.open(node, mode)
      return typeof file === 'number' ? file : keep(session, generation, { file, node, mode }, openOut)
    },
  }),
  fuseOp({
    name: 'CREATE',
    opcode: 35,
    changes: true,
    args: { flags: 'u32', mode: 'u32', umask: 'skip32', openFlags: 'skip32' },
    text: { name: 'name' },
    run: async (session, { node, args, text }) => {
      if (session.isFull) return Errno.ENFILE
      const { generation } = session
      const mode = { ...openMode(args.flags), exclusive: (args.flags & O_EXCL) !== 0 }
      const made = await session.store.create(node, text.name, args.mode & PERMISSIONS, mode)
      if (typeof made === 'number') return made
      const { entry, file } = made
      return keep(session, generation, { file, node: entry.id, mode }, handle =>
        concat(entryOut(entry), openOut(handle)),
      )
    },
  }),
  fuseOp({
    name: 'READ',
    opcode: 15,
    args: { handle: 'u64', offset: 'u64', size: 'u32', readFlags: 'skip32', lockOwner: 'skip64', flags: 'skip32' },
    run: (session, { args, roomBytes }) => {
      if (args.offset > MAX_OFFSET) return Errno.EINVAL
      const lengthBytes = Math.min(args.size, roomBytes, MAX_DATA_BYTES)
      return session.file(args.handle)?.read(args.offset, lengthBytes) ?? Errno.EBADF
    },
  }),
  fuseOp({
    name: 'WRITE',
    opcode: 16,
    changes: true,
    args: {
      handle: 'u64',
      offset: 'u64',
      size: 'u32',
      writeFlags: 'skip32',
      lockOwner: 'skip64',
      flags: 'skip32',
      padding: 'skip32',
    },
    run: async (session, { args, rest }) => {
      if (args.offset > MAX_OFFSET) return Errno.EFBIG
      if (args.size > rest.length) return Errno.EINVAL
      const file = session.file(args.handle)
      if (!file) return Errno.EBADF
      return (await file.write(args.offset, rest.subarray(0, args.size))) ?? words(args.size, 0)
    },
  }),
  fuseOp({
    name: 'FLUSH',
    opcode: 25,
    args: { handle: 'u64' },
    run: (session, { args }) => (session.file(args.handle) ? NOTHING : Errno.EBADF),
  }),
  fuseOp({
    name: 'FSYNC',
    opcode: 20,
    args: { handle: 'u64', flags: 'u32' },
    run: async (session, { args }) => {
      const file = session.file(args.handle)
      if (!file) return Errno.EBADF
      return (await file.sync((args.flags & FSYNC_DATA_ONLY) !== 0)) ?? NOTHING
    },
  }),
  fuseOp({
    name: 'RELEASE',
    opcode: 18,
    args: { handle: 'u64' },
    run: (session, { args }) => {
      session.releaseFile(args.handle)
      return NOTHING
    },
  }),
]

function openMode(flags: number): OpenMode {
  const access = flags & O_ACCMODE
  return { read: access !== O_WRONLY, write: access !== O_RDONLY, truncate: (flags & O_TRUNC) !== 0 }
}

function keep(
  session: FuseSession,
  generation: number,
  opened: Parameters<FuseSession['keepFile']>[0],
  reply: (handle: number) => Uint8Array,
): Uint8Array | number {
  if (generation === session.generation) return reply(session.keepFile(opened))
  opened.file.close()
  return Errno.ESTALE
}
