import { DoppelError } from '@doppel/base'

/** Bytes of a block; the only size written here. */
export const BLOCK_BYTES = 4096
/** As many as one block of bitmap has bits. */
export const BLOCKS_PER_GROUP: number = 8 * BLOCK_BYTES
export const INODE_BYTES = 256
/** One inode for every 16 KiB, as mke2fs has it. */
export const INODES_PER_GROUP = 8192
export const INODE_TABLE_BLOCKS: number = (INODES_PER_GROUP * INODE_BYTES) / BLOCK_BYTES
export const GROUP_DESCRIPTOR_BYTES = 32

/** The smallest disk that holds a journal and some files, and the largest whose descriptors have 32-bit block numbers. */
const MIN_BYTES = 16 * 2 ** 20
const MAX_BYTES = 2 ** 40

/** Where the fixed structures of an ext4 file system lie (Linux, Documentation/filesystems/ext4/overview.rst). */
export class Geometry {
  readonly blocks: number
  readonly groups: number
  readonly descriptorBlocks: number

  /** For a disk of so many bytes. Throws `disk.size`. */
  constructor(sizeBytes: number) {
    if (sizeBytes < MIN_BYTES || sizeBytes > MAX_BYTES) {
      throw new DoppelError('disk.size', `a disk of ${sizeBytes} bytes; expected ${MIN_BYTES} to ${MAX_BYTES}`, {
        sizeBytes,
      })
    }
    const whole = Math.floor(sizeBytes / BLOCK_BYTES)
    const descriptorBlocks = Math.ceil((Math.ceil(whole / BLOCKS_PER_GROUP) * GROUP_DESCRIPTOR_BYTES) / BLOCK_BYTES)
    // A last group too short for its own tables is left out.
    const tail = whole % BLOCKS_PER_GROUP
    const isUseful = tail === 0 || tail > 1 + descriptorBlocks + 2 + INODE_TABLE_BLOCKS
    this.blocks = isUseful ? whole : whole - tail
    this.groups = Math.ceil(this.blocks / BLOCKS_PER_GROUP)
    this.descriptorBlocks = descriptorBlocks
  }

  firstBlock(group: number): number {
    return group * BLOCKS_PER_GROUP
  }
  /** Blocks in the group; the last may have fewer. */
  blocksOf(group: number): number {
    return Math.min(BLOCKS_PER_GROUP, this.blocks - this.firstBlock(group))
  }
  /** Whether the group keeps a copy of superblock and descriptors: 0, 1 and powers of 3, 5 and 7 (`sparse_super`). */
  hasSuperblock(group: number): boolean {
    if (group <= 1) return true
    return [3, 5, 7].some(base => {
      let power = base
      while (power < group) power *= base
      return power === group
    })
  }
  blockBitmap(group: number): number {
    return this.firstBlock(group) + (this.hasSuperblock(group) ? 1 + this.descriptorBlocks : 0)
  }
  inodeBitmap(group: number): number {
    return this.blockBitmap(group) + 1
  }
  inodeTable(group: number): number {
    return this.blockBitmap(group) + 2
  }
  /** The first block of the group that files may have. */
  firstDataBlock(group: number): number {
    return this.inodeTable(group) + INODE_TABLE_BLOCKS
  }
}
