import type { Extent } from './blocks.ts'
import { BLOCK_BYTES, INODE_BYTES } from './geometry.ts'
import type { NodeAttributes, TreeNode } from './tree.ts'

/** The type of a node in an inode's mode (`S_IFMT`) and in a directory entry (ext4_dir_entry_2.file_type). */
export const NODE_TYPES: Readonly<Record<TreeNode['type'], { readonly format: number; readonly entry: number }>> = {
  file: { format: 0o100000, entry: 1 },
  directory: { format: 0o040000, entry: 2 },
  'character-device': { format: 0o020000, entry: 3 },
  'block-device': { format: 0o060000, entry: 4 },
  fifo: { format: 0o010000, entry: 5 },
  symlink: { format: 0o120000, entry: 7 },
}

const EXTENTS_FLAG = 0x8_0000
const EXTRA_BYTES = 32
const EXTENT_MAGIC = 0xf30a
const EXTENT_RECORD_BYTES = 12
/** Records that follow the header in the inode, and in a block. */
const ROOT_EXTENTS = 4
const LEAF_EXTENTS = Math.floor((BLOCK_BYTES - EXTENT_RECORD_BYTES) / EXTENT_RECORD_BYTES)
/** A shorter target stands in the inode itself. */
export const INLINE_TARGET_BYTES = 60
/** `i_block` in ext4_inode. */
const BLOCK_OFFSET = 40

/** What an inode says beside its attributes. */
export interface InodeParts {
  readonly type: TreeNode['type']
  readonly attributes: NodeAttributes
  readonly links: number
  readonly sizeBytes?: number
  /** Its blocks, in the order of its bytes. */
  readonly extents?: readonly Extent[]
  /** A symbolic link's target that stands in the inode. */
  readonly target?: Uint8Array
  readonly device?: { readonly major: number; readonly minor: number }
}

/** How many blocks of extent records a file of so many runs needs beside its inode. */
export function leafBlocks(extents: readonly Extent[]): number {
  return extents.length <= ROOT_EXTENTS ? 0 : Math.ceil(extents.length / LEAF_EXTENTS)
}

/** Most runs a file may have: four blocks of records. A bump allocator stays far below. */
export const MAX_EXTENTS: number = ROOT_EXTENTS * LEAF_EXTENTS

/**
 * An inode's 256 bytes (Linux, Documentation/filesystems/ext4/inodes.rst), and the extent blocks that it points to,
 * which lie at `leaves`, in order.
 */
export function encodeInode(
  parts: InodeParts,
  leaves: readonly number[],
): { readonly inode: Uint8Array; readonly leafBlocks: readonly Uint8Array[] } {
  const { type, attributes, links, sizeBytes = 0, extents = [], target, device } = parts
  const inode = new Uint8Array(INODE_BYTES)
  const view = new DataView(inode.buffer)
  const u16 = (at: number, value: number): void => view.setUint16(at, value & 0xffff, true)
  const u32 = (at: number, value: number): void => view.setUint32(at, value >>> 0, true)
  u16(0, NODE_TYPES[type].format | (attributes.mode & 0o7777))
  u16(2, attributes.uid)
  u32(4, sizeBytes)
  for (const at of [8, 12, 16, 144]) u32(at, attributes.mtime)
  u16(24, attributes.gid)
  u16(26, links)
  const blocks = extents.reduce((sum, extent) => sum + extent.count, leaves.length)
  const sectors = blocks * (BLOCK_BYTES / 512)
  u32(28, sectors)
  u16(116, Math.floor(sectors / 2 ** 32))
  u32(108, Math.floor(sizeBytes / 2 ** 32))
  u16(120, attributes.uid >>> 16)
  u16(122, attributes.gid >>> 16)
  u16(128, EXTRA_BYTES)
  if (target) inode.set(target, BLOCK_OFFSET)
  else if (device) {
    const { major, minor } = device
    // The old form of 8 bits each where it suffices, else the new one (Linux, kdev_t.h).
    if (major < 256 && minor < 256) u32(BLOCK_OFFSET, (major << 8) | minor)
    else u32(BLOCK_OFFSET + 4, (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12))
  } else if (type === 'file' || type === 'directory' || type === 'symlink') {
    u32(32, EXTENTS_FLAG)
    return { inode, leafBlocks: encodeExtents(inode.subarray(BLOCK_OFFSET, BLOCK_OFFSET + 60), extents, leaves) }
  }
  return { inode, leafBlocks: [] }
}

/** Fills the inode's part of the extent tree; returns the blocks below it. */
function encodeExtents(root: Uint8Array, extents: readonly Extent[], leaves: readonly number[]): Uint8Array[] {
  const records: { readonly logical: number; readonly extent: Extent }[] = []
  let logical = 0
  for (const extent of extents) {
    records.push({ logical, extent })
    logical += extent.count
  }
  const leaf = (into: Uint8Array, part: typeof records, capacity: number): void => {
    const view = header(into, part.length, capacity, 0)
    for (const [i, { logical: first, extent }] of part.entries()) {
      const at = (i + 1) * EXTENT_RECORD_BYTES
      view.setUint32(at, first, true)
      view.setUint16(at + 4, extent.count, true)
      view.setUint32(at + 8, extent.start, true)
    }
  }
  if (leaves.length === 0) {
    leaf(root, records, ROOT_EXTENTS)
    return []
  }
  const view = header(root, leaves.length, ROOT_EXTENTS, 1)
  return leaves.map((block, i) => {
    const part = records.slice(i * LEAF_EXTENTS, (i + 1) * LEAF_EXTENTS)
    const at = (i + 1) * EXTENT_RECORD_BYTES
    view.setUint32(at, part[0]?.logical ?? 0, true)
    view.setUint32(at + 4, block, true)
    const bytes = new Uint8Array(BLOCK_BYTES)
    leaf(bytes, part, LEAF_EXTENTS)
    return bytes
  })
}

function header(into: Uint8Array, entries: number, capacity: number, depth: number): DataView {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength)
  view.setUint16(0, EXTENT_MAGIC, true)
  view.setUint16(2, entries, true)
  view.setUint16(4, capacity, true)
  view.setUint16(6, depth, true)
  return view
}
