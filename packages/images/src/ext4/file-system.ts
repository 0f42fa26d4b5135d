import { type BlockStore, DoppelError } from '@doppel/base'
import { Blocks, clearBits, type Extent, type FileContent, setBits } from './blocks.ts'
import { type DirectoryEntry, encodeDirectory } from './directory.ts'
import { BLOCK_BYTES, Geometry, INODE_BYTES, INODES_PER_GROUP } from './geometry.ts'
import { encodeInode, INLINE_TARGET_BYTES, type InodeParts, leafBlocks, MAX_EXTENTS, NODE_TYPES } from './inode.ts'
import {
  encodeDescriptors,
  encodeJournalSuperblock,
  encodeSuperblock,
  type FileSystemIdentity,
  FIRST_INODE,
  type GroupUse,
  JOURNAL_INODE,
  ROOT_INODE,
  SUPERBLOCK_OFFSET,
} from './superblock.ts'
import { type DirectoryNode, FileTree, type TreeNode } from './tree.ts'

/** Links a directory may have; one with more says 1, "many" (`dir_nlink`). */
const MAX_LINKS = 65_000
const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES
const BYTES_PER_JOURNAL_BLOCK = 64
const MAX_JOURNAL_BLOCKS = 8192
const MIN_JOURNAL_BLOCKS = 1024

/**
 * Makes an ext4 file system on an empty disk: contents are written as they come, the tree that names them when all are
 * there. The disk must read as zeros.
 */
export class Ext4Builder {
  readonly tree: FileTree = new FileTree()
  readonly #store: BlockStore
  readonly #identity: FileSystemIdentity
  readonly #geometry: Geometry
  readonly #blocks: Blocks
  readonly #inodes = new Map<TreeNode, number>()
  readonly #table = new Map<number, Uint8Array>()
  readonly #directories: number[]
  /** What has been written and stands in no inode yet. */
  readonly #contents = new Set<FileContent>()
  #nextInode = FIRST_INODE

  /** Throws `disk.size`. */
  constructor(store: BlockStore, identity: FileSystemIdentity) {
    this.#store = store
    this.#identity = identity
    this.#geometry = new Geometry(store.sizeBytes)
    this.#blocks = new Blocks(store, this.#geometry)
    this.#directories = Array.from({ length: this.#geometry.groups }, () => 0)
  }

  /** Writes a file's bytes, for a node of the tree. Throws `disk.*`; RangeError where not `sizeBytes` bytes come. */
  async content(sizeBytes: number, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FileContent> {
    const content = await this.#blocks.write(sizeBytes, chunks)
    this.#contents.add(content)
    return content
  }

  /** Writes everything but contents; the file system is then whole. Throws `disk.*`. */
  async finish(): Promise<void> {
    const { tree } = this
    const attributes = { mode: 0o700, uid: 0, gid: 0, mtime: this.#identity.madeAt }
    tree.directory('lost+found', attributes)
    this.#inodes.set(tree.root, ROOT_INODE)
    // lost+found comes first: checkers expect it at the first inode that is free.
    const found = tree.root.entries.get('lost+found')
    if (found) this.#inodeOf(found)
    const links = countLinks(tree.root)
    await this.#writeDirectory(tree.root, ROOT_INODE, ROOT_INODE, links)
    // Contents of files that are no longer in the tree.
    for (const content of this.#contents) this.#blocks.release(content)
    const journal = await this.#writeJournal()
    await this.#writeTables(journal)
    await this.#store.flush()
  }

  #inodeOf(node: TreeNode): number {
    const known = this.#inodes.get(node)
    if (known !== undefined) return known
    const inode = this.#nextInode++
    const limit = this.#geometry.groups * INODES_PER_GROUP
    if (inode > limit)
      throw new DoppelError('disk.full', `more than the ${limit} files the disk has room for`, { limit })
    this.#inodes.set(node, inode)
    return inode
  }

  async #writeDirectory(
    directory: DirectoryNode,
    inode: number,
    parent: number,
    links: ReadonlyMap<TreeNode, number>,
  ): Promise<void> {
    const type = NODE_TYPES.directory.entry
    const entries: DirectoryEntry[] = [
      { name: '.', inode, type },
      { name: '..', inode: parent, type },
    ]
    let subdirectories = 0
    for (const [name, node] of directory.entries) {
      // A file of several names is written for the first.
      const isNew = !this.#inodes.has(node)
      const child = this.#inodeOf(node)
      entries.push({ name, inode: child, type: NODE_TYPES[node.type].entry })
      if (node.type === 'directory') {
        subdirectories++
        await this.#writeDirectory(node, child, inode, links)
      } else if (isNew) await this.#writeLeaf(node, child, links.get(node) ?? 1)
    }
    const bytes = encodeDirectory(entries)
    const { extents } = await this.#blocks.write(bytes.length, [bytes])
    const group = Math.floor((inode - 1) / INODES_PER_GROUP)
    this.#directories[group] = (this.#directories[group] ?? 0) + 1
    const { attributes } = directory
    const count = subdirectories + 2 > MAX_LINKS ? 1 : subdirectories + 2
    await this.#writeInode(inode, { type: 'directory', attributes, links: count, sizeBytes: bytes.length, extents })
  }

  async #writeLeaf(node: Exclude<TreeNode, DirectoryNode>, inode: number, links: number): Promise<void> {
    const base = { type: node.type, attributes: node.attributes, links }
    if (node.type === 'file') {
      this.#contents.delete(node.content)
      await this.#writeInode(inode, { ...base, ...node.content })
    } else if (node.type === 'symlink') {
      const target = new TextEncoder().encode(node.target)
      const isInline = target.length < INLINE_TARGET_BYTES
      const place = isInline ? { target } : await this.#blocks.write(target.length, [target])
      await this.#writeInode(inode, { ...base, ...place, sizeBytes: target.length })
    } else if (node.type === 'fifo') await this.#writeInode(inode, base)
    else await this.#writeInode(inode, { ...base, device: node })
  }

  async #writeInode(number: number, parts: InodeParts): Promise<Uint8Array> {
    const extents = parts.extents ?? []
    if (extents.length > MAX_EXTENTS) {
      throw new DoppelError('disk.full', 'a file lies in more pieces than its inode can name', { number })
    }
    const leaves = this.#blocks.take(leafBlocks(extents)).flatMap(blocksOf)
    const encoded = encodeInode(parts, leaves)
    for (const [i, leaf] of leaves.entries()) {
      await this.#blocks.writeBlock(leaf, encoded.leafBlocks[i] as Uint8Array)
    }
    const block = Math.floor((number - 1) / INODES_PER_BLOCK)
    const table = this.#table.get(block) ?? new Uint8Array(BLOCK_BYTES)
    this.#table.set(block, table)
    table.set(encoded.inode, ((number - 1) % INODES_PER_BLOCK) * INODE_BYTES)
    return encoded.inode
  }

  async #writeJournal(): Promise<Uint8Array> {
    const wanted = Math.floor(this.#geometry.blocks / BYTES_PER_JOURNAL_BLOCK)
    const count = Math.min(MAX_JOURNAL_BLOCKS, Math.max(MIN_JOURNAL_BLOCKS, wanted))
    const extents = this.#blocks.take(count)
    const [first] = extents.flatMap(blocksOf)
    await this.#blocks.writeBlock(first as number, encodeJournalSuperblock(extents, this.#identity.uuid))
    const attributes = { mode: 0o600, uid: 0, gid: 0, mtime: this.#identity.madeAt }
    return await this.#writeInode(JOURNAL_INODE, {
      type: 'file',
      attributes,
      links: 1,
      sizeBytes: count * BLOCK_BYTES,
      extents,
    })
  }

  async #writeTables(journal: Uint8Array): Promise<void> {
    const geometry = this.#geometry
    const use: GroupUse[] = []
    for (const [group, bitmap] of this.#blocks.bitmaps.entries()) {
      const usedInodes = Math.min(INODES_PER_GROUP, Math.max(0, this.#nextInode - 1 - group * INODES_PER_GROUP))
      const inodes = new Uint8Array(BLOCK_BYTES)
      setBits(inodes, 0, usedInodes)
      setBits(inodes, INODES_PER_GROUP, 8 * BLOCK_BYTES)
      await this.#blocks.writeBlock(geometry.blockBitmap(group), bitmap)
      await this.#blocks.writeBlock(geometry.inodeBitmap(group), inodes)
      use.push({
        freeBlocks: clearBits(bitmap, geometry.blocksOf(group)),
        freeInodes: INODES_PER_GROUP - usedInodes,
        directories: this.#directories[group] ?? 0,
      })
    }
    for (const [block, bytes] of this.#table) {
      const group = Math.floor((block * INODES_PER_BLOCK) / INODES_PER_GROUP)
      const within = block - (group * INODES_PER_GROUP) / INODES_PER_BLOCK
      await this.#blocks.writeBlock(geometry.inodeTable(group) + within, bytes)
    }
    const descriptors = encodeDescriptors(geometry, use)
    for (let group = 0; group < geometry.groups; group++) {
      if (!geometry.hasSuperblock(group)) continue
      const superblock = encodeSuperblock(geometry, this.#identity, use, journal, group)
      const at = geometry.firstBlock(group) * BLOCK_BYTES
      await this.#store.write(at + (group === 0 ? SUPERBLOCK_OFFSET : 0), superblock)
      await this.#store.write(at + BLOCK_BYTES, descriptors)
    }
  }
}

/** How many names each node that is no directory has. */
function countLinks(root: DirectoryNode): Map<TreeNode, number> {
  const links = new Map<TreeNode, number>()
  const pending = [root]
  for (let directory = pending.pop(); directory; directory = pending.pop()) {
    for (const node of directory.entries.values()) {
      if (node.type === 'directory') pending.push(node)
      else links.set(node, (links.get(node) ?? 0) + 1)
    }
  }
  return links
}

function blocksOf({ start, count }: Extent): number[] {
  return Array.from({ length: count }, (_, i) => start + i)
}
