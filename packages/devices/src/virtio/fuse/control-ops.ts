import { Errno } from '../../errno.ts'
import { fuseOp, type FuseRow, NAME_MAX_BYTES } from './row.ts'
import { concat, words } from './wire.ts'

const MAJOR = 7
/** The newest protocol spoken here; every struct is of this version. */
const MINOR = 31
/** Data bytes in one read or write, and the same in pages. */
export const MAX_DATA_BYTES: number = 256 * 1024
const MAX_PAGES = MAX_DATA_BYTES / 4096
const MAX_BACKGROUND = 64

// FUSE_INIT flags.
const FUSE_ASYNC_READ = 1 << 0
const FUSE_ATOMIC_O_TRUNC = 1 << 3
const FUSE_BIG_WRITES = 1 << 5
const FUSE_AUTO_INVAL_DATA = 1 << 12
const FUSE_DO_READDIRPLUS = 1 << 13
const FUSE_READDIRPLUS_AUTO = 1 << 14
const FUSE_PARALLEL_DIROPS = 1 << 18
const FUSE_MAX_PAGES = 1 << 22
const SUPPORTED =
  FUSE_ASYNC_READ |
  FUSE_ATOMIC_O_TRUNC |
  FUSE_BIG_WRITES |
  FUSE_AUTO_INVAL_DATA |
  FUSE_DO_READDIRPLUS |
  FUSE_READDIRPLUS_AUTO |
  FUSE_PARALLEL_DIROPS |
  FUSE_MAX_PAGES

const NOTHING = new Uint8Array(0)

/** Session set-up and what applies to no node. */
export const controlOps: readonly FuseRow[] = [
  fuseOp({
    name: 'INIT',
    opcode: 26,
    args: { major: 'u32', minor: 'u32', maxReadahead: 'u32', flags: 'u32' },
    run: (session, { args }) => {
      // A newer major is answered with ours alone, and the guest asks again.
      if (args.major > MAJOR) return concat(words(MAJOR, MINOR), new Uint8Array(56))
      if (args.major < MAJOR || args.minor < MINOR) return Errno.EINVAL
      session.isInitialized = true
      const out = new DataView(new ArrayBuffer(64))
      out.setUint32(0, MAJOR, true)
      out.setUint32(4, MINOR, true)
      out.setUint32(8, args.maxReadahead, true)
      out.setUint32(12, args.flags & SUPPORTED, true)
      out.setUint16(16, MAX_BACKGROUND, true)
      out.setUint16(18, (MAX_BACKGROUND * 3) / 4, true)
      out.setUint32(20, MAX_DATA_BYTES, true)
      out.setUint32(24, 1, true) // Times are exact to the nanosecond.
      out.setUint16(28, MAX_PAGES, true)
      return new Uint8Array(out.buffer)
    },
  }),
  fuseOp({
    name: 'DESTROY',
    opcode: 38,
    run: session => {
      session.end()
      return NOTHING
    },
  }),
  fuseOp({
    name: 'STATFS',
    opcode: 17,
    run: async session => {
      const s = await session.store.statistics()
      if (typeof s === 'number') return s
      const out = new DataView(new ArrayBuffer(80))
      for (const [i, count] of [s.blocks, s.freeBlocks, s.availableBlocks, s.files, s.freeFiles].entries()) {
        out.setBigUint64(8 * i, BigInt(count), true)
      }
      out.setUint32(40, s.blockBytes, true)
      out.setUint32(44, NAME_MAX_BYTES, true)
      out.setUint32(48, s.blockBytes, true)
      return new Uint8Array(out.buffer)
    },
  }),
]
