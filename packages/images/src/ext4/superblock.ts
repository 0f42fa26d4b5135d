import type { Extent } from './blocks.ts'
import {
  BLOCK_BYTES,
  BLOCKS_PER_GROUP,
  type Geometry,
  GROUP_DESCRIPTOR_BYTES,
  INODE_BYTES,
  INODES_PER_GROUP,
} from './geometry.ts'

/** Inodes with a fixed meaning (Documentation/filesystems/ext4/special_inodes.rst). */
export const ROOT_INODE = 2
export const JOURNAL_INODE = 8
export const FIRST_INODE = 11

/** Where the superblock lies in block 0; its copies lie at the start of their block. */
export const SUPERBLOCK_OFFSET = 1024
export const SUPERBLOCK_BYTES = 1024

const COMPAT = 0x4 | 0x8 | 0x20 // has_journal, ext_attr, dir_index
const INCOMPAT = 0x2 | 0x40 // filetype, extents
const RO_COMPAT = 0x1 | 0x2 | 0x20 | 0x40 // sparse_super, large_file, dir_nlink, extra_isize

const JOURNAL_MAGIC = 0xc03b_3998
const JOURNAL_SUPERBLOCK_V2 = 4

/** What a file system is told apart by. */
export interface FileSystemIdentity {
  /** Sixteen bytes, unique. */
  readonly uuid: Uint8Array
  /** At most sixteen bytes of UTF-8. */
  readonly label: string
  /** When it is made, seconds since 1970. */
  readonly madeAt: number
}

/** What is used in one group. */
export interface GroupUse {
  readonly freeBlocks: number
  readonly freeInodes: number
  readonly directories: number
}

/** The superblock (Documentation/filesystems/ext4/super.rst) as group `group` keeps it. */
export function encodeSuperblock(
  geometry: Geometry,
  identity: FileSystemIdentity,
  use: readonly GroupUse[],
  journalInode: Uint8Array,
  group: number,
): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES)
  const view = new DataView(bytes.buffer)
  const u8 = (at: number, value: number): void => view.setUint8(at, value)
  const u16 = (at: number, value: number): void => view.setUint16(at, value, true)
  const u32 = (at: number, value: number): void => view.setUint32(at, value >>> 0, true)
  const sum = (of: (group: GroupUse) => number): number => use.reduce((total, each) => total + of(each), 0)
  u32(0, geometry.groups * INODES_PER_GROUP)
  u32(4, geometry.blocks)
  u32(
    12,
    sum(each => each.freeBlocks),
  )
  u32(
    16,
    sum(each => each.freeInodes),
  )
  u32(24, Math.log2(BLOCK_BYTES / 1024))
  u32(28, Math.log2(BLOCK_BYTES / 1024))
  u32(32, BLOCKS_PER_GROUP)
  u32(36, BLOCKS_PER_GROUP)
  u32(40, INODES_PER_GROUP)
  u32(48, identity.madeAt)
  u16(54, 0xffff)
  u16(56, 0xef53)
  u16(58, 1) // cleanly unmounted
  u16(60, 1) // go on after errors
  u32(64, identity.madeAt)
  u32(76, 1)
  u32(84, FIRST_INODE)
  u16(88, INODE_BYTES)
  u16(90, group)
  u32(92, COMPAT)
  u32(96, INCOMPAT)
  u32(100, RO_COMPAT)
  bytes.set(identity.uuid, 104)
  bytes.set(new TextEncoder().encode(identity.label).subarray(0, 16), 120)
  u32(224, JOURNAL_INODE)
  // The seed of hashed directories, which the kernel may make: any will do.
  bytes.set(identity.uuid, 236)
  u8(252, 1) // half MD4
  u8(253, 1) // a copy of the journal's inode follows
  u32(264, identity.madeAt)
  const journal = new DataView(journalInode.buffer, journalInode.byteOffset)
  for (let i = 0; i < 15; i++) u32(268 + 4 * i, journal.getUint32(40 + 4 * i, true))
  u32(268 + 60, journal.getUint32(108, true))
  u32(268 + 64, journal.getUint32(4, true))
  u16(348, 32)
  u16(350, 32)
  u32(352, 1) // directory hashes take bytes as signed
  return bytes
}

/** The table of group descriptors, in whole blocks (Documentation/filesystems/ext4/group_descr.rst). */
export function encodeDescriptors(geometry: Geometry, use: readonly GroupUse[]): Uint8Array {
  const bytes = new Uint8Array(geometry.descriptorBlocks * BLOCK_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [group, { freeBlocks, freeInodes, directories }] of use.entries()) {
    const at = group * GROUP_DESCRIPTOR_BYTES
    view.setUint32(at, geometry.blockBitmap(group), true)
    view.setUint32(at + 4, geometry.inodeBitmap(group), true)
    view.setUint32(at + 8, geometry.inodeTable(group), true)
    view.setUint16(at + 12, freeBlocks, true)
    view.setUint16(at + 14, freeInodes, true)
    view.setUint16(at + 16, directories, true)
  }
  return bytes
}

/** The journal's first block: an empty journal (Documentation/filesystems/ext4/journal.rst). Big-endian. */
export function encodeJournalSuperblock(extents: readonly Extent[], uuid: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, JOURNAL_MAGIC)
  view.setUint32(4, JOURNAL_SUPERBLOCK_V2)
  view.setUint32(12, BLOCK_BYTES)
  view.setUint32(
    16,
    extents.reduce((sum, extent) => sum + extent.count, 0),
  )
  view.setUint32(20, 1)
  view.setUint32(24, 1)
  bytes.set(uuid, 48)
  view.setUint32(64, 1)
  return bytes
}
