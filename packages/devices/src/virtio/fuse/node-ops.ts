import { Errno } from '../../errno.ts'
import type { AttributeChanges } from '../../folder-store.ts'
import { fuseOp, type FuseRow } from './row.ts'
import { attrOut } from './wire.ts'

// struct fuse_setattr_in.valid.
const FATTR_MODE = 1 << 0
const FATTR_UID = 1 << 1
const FATTR_GID = 1 << 2
const FATTR_SIZE = 1 << 3
const FATTR_ATIME = 1 << 4
const FATTR_MTIME = 1 << 5
const FATTR_ATIME_NOW = 1 << 7
const FATTR_MTIME_NOW = 1 << 8

const PERMISSIONS = 0o7777
const NS_PER_SECOND = 1_000_000_000n
const NOTHING = new Uint8Array(0)
/** struct fuse_forget_one, and how many of them one request may carry. */
const FORGET_BYTES = 16
const MAX_FORGETS = 65_536

/** What reads or changes a node itself, and what gives references back. */
export const nodeOps: readonly FuseRow[] = [
  fuseOp({
    name: 'GETATTR',
    opcode: 3,
    args: { flags: 'skip32', dummy: 'skip32', handle: 'skip64' },
    run: async (session, { node }) => {
      const attributes = await session.store.attributes(node)
      return typeof attributes === 'number' ? attributes : attrOut(attributes)
    },
  }),
  fuseOp({
    name: 'SETATTR',
    opcode: 4,
    changes: true,
    args: {
      valid: 'u32',
      padding: 'skip32',
      handle: 'skip64',
      size: 'u64',
      lockOwner: 'skip64',
      atime: 'i64',
      mtime: 'i64',
      ctime: 'skip64',
      atimeNs: 'u32',
      mtimeNs: 'u32',
      ctimeNs: 'skip32',
      mode: 'u32',
      unused4: 'skip32',
      uid: 'u32',
      gid: 'u32',
    },
    run: async (session, { node, args }) => {
      const { valid } = args
      const when = (set: number, now: number, s: number, ns: number): bigint | 'now' | undefined =>
        valid & now ? 'now' : valid & set ? BigInt(s) * NS_PER_SECOND + BigInt(ns) : undefined
      const atimeNs = when(FATTR_ATIME, FATTR_ATIME_NOW, args.atime, args.atimeNs)
      const mtimeNs = when(FATTR_MTIME, FATTR_MTIME_NOW, args.mtime, args.mtimeNs)
      const changes: AttributeChanges = {
        ...(valid & FATTR_MODE ? { mode: args.mode & PERMISSIONS } : {}),
        ...(valid & FATTR_UID ? { uid: args.uid } : {}),
        ...(valid & FATTR_GID ? { gid: args.gid } : {}),
        ...(valid & FATTR_SIZE ? { sizeBytes: args.size } : {}),
        ...(atimeNs === undefined ? {} : { atimeNs }),
        ...(mtimeNs === undefined ? {} : { mtimeNs }),
      }
      const attributes = await session.store.setAttributes(node, changes)
      return typeof attributes === 'number' ? attributes : attrOut(attributes)
    },
  }),
  fuseOp({
    name: 'READLINK',
    opcode: 5,
    run: async (session, { node }) => {
      const target = await session.store.readLink(node)
      return typeof target === 'number' ? target : new TextEncoder().encode(target)
    },
  }),
  fuseOp({
    // The guest's kernel checks permissions itself (default_permissions); what is left is that the node is there.
    name: 'ACCESS',
    opcode: 34,
    args: { mask: 'u32', padding: 'skip32' },
    run: async (session, { node }) => {
      const attributes = await session.store.attributes(node)
      return typeof attributes === 'number' ? attributes : NOTHING
    },
  }),
  fuseOp({
    name: 'FORGET',
    opcode: 2,
    isAnswered: false,
    args: { count: 'u64' },
    run: (session, { node, args }) => {
      session.store.forget(node, args.count)
      return NOTHING
    },
  }),
  fuseOp({
    name: 'BATCH_FORGET',
    opcode: 42,
    isAnswered: false,
    args: { count: 'u32', dummy: 'skip32' },
    run: (session, { args, rest }) => {
      if (args.count > MAX_FORGETS || args.count * FORGET_BYTES > rest.length) return Errno.EINVAL
      const view = new DataView(rest.buffer, rest.byteOffset, rest.length)
      for (let at = 0; at < args.count * FORGET_BYTES; at += FORGET_BYTES) {
        session.store.forget(Number(view.getBigUint64(at, true)), Number(view.getBigUint64(at + 8, true)))
      }
      return NOTHING
    },
  }),
]
