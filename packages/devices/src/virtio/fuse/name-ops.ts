import { Errno } from '../../errno.ts'
import type { Entry, Outcome } from '../../folder-store.ts'
import { fuseOp, type FuseRow } from './row.ts'
import { entryOut } from './wire.ts'

const S_IFMT = 0o170000
const S_IFREG = 0o100000
const PERMISSIONS = 0o7777
const RENAME_NOREPLACE = 1
const NOTHING = new Uint8Array(0)

/** What looks up, makes, moves and removes names. */
export const nameOps: readonly FuseRow[] = [
  fuseOp({
    name: 'LOOKUP',
    opcode: 1,
    text: { name: 'name' },
    run: async (session, { node, text }) => answer(await session.store.lookup(node, text.name)),
  }),
  fuseOp({
    name: 'SYMLINK',
    opcode: 6,
    changes: true,
    text: { name: 'name', target: 'target' },
    run: async (session, { node, text }) => answer(await session.store.makeSymlink(node, text.name, text.target)),
  }),
  fuseOp({
    // Regular files only: a device node or pipe made by a guest would be one on the host too.
    name: 'MKNOD',
    opcode: 8,
    changes: true,
    args: { mode: 'u32', rdev: 'skip32', umask: 'skip32', padding: 'skip32' },
    text: { name: 'name' },
    run: async (session, { node, args, text }) => {
      const type = args.mode & S_IFMT
      if (type !== S_IFREG && type !== 0) return Errno.EPERM
      const mode = { read: false, write: true, truncate: false, exclusive: true }
      const made = await session.store.create(node, text.name, args.mode & PERMISSIONS, mode)
      if (typeof made === 'number') return made
      made.file.close()
      return entryOut(made.entry)
    },
  }),
  fuseOp({
    name: 'MKDIR',
    opcode: 9,
    changes: true,
    args: { mode: 'u32', umask: 'skip32' },
    text: { name: 'name' },
    run: async (session, { node, args, text }) =>
      answer(await session.store.makeDirectory(node, text.name, args.mode & PERMISSIONS)),
  }),
  fuseOp({
    name: 'UNLINK',
    opcode: 10,
    changes: true,
    text: { name: 'name' },
    run: async (session, { node, text }) => (await session.store.unlink(node, text.name)) ?? NOTHING,
  }),
  fuseOp({
    name: 'RMDIR',
    opcode: 11,
    changes: true,
    text: { name: 'name' },
    run: async (session, { node, text }) => (await session.store.removeDirectory(node, text.name)) ?? NOTHING,
  }),
  fuseOp({
    name: 'RENAME',
    opcode: 12,
    changes: true,
    args: { newParent: 'u64' },
    text: { name: 'name', newName: 'name' },
    run: async (session, { node, args, text }) =>
      (await session.store.rename(node, text.name, args.newParent, text.newName, false)) ?? NOTHING,
  }),
  fuseOp({
    name: 'RENAME2',
    opcode: 45,
    changes: true,
    args: { newParent: 'u64', flags: 'u32', padding: 'skip32' },
    text: { name: 'name', newName: 'name' },
    run: async (session, { node, args, text }) => {
      // Exchange and whiteout: rename(2) lets a file system that has no such thing say EINVAL.
      if (args.flags & ~RENAME_NOREPLACE) return Errno.EINVAL
      const noReplace = args.flags === RENAME_NOREPLACE
      return (await session.store.rename(node, text.name, args.newParent, text.newName, noReplace)) ?? NOTHING
    },
  }),
  fuseOp({
    name: 'LINK',
    opcode: 13,
    changes: true,
    args: { oldNode: 'u64' },
    text: { name: 'name' },
    run: async (session, { node, args, text }) => answer(await session.store.link(args.oldNode, node, text.name)),
  }),
]

function answer(outcome: Outcome<Entry>): Outcome<Uint8Array> {
  return typeof outcome === 'number' ? outcome : entryOut(outcome)
}
