import { type Clock, DoppelError, MIB } from '@doppel/base'
import { Errno } from './errno.ts'
import {
  type AttributeChanges,
  type Attributes,
  type DirectoryEntry,
  type Entry,
  type FolderStatistics,
  type FolderStore,
  type NodeId,
  NodeTable,
  type OpenFile,
  type OpenMode,
  type Outcome,
} from './folder-store.ts'
import { makeMemoryNode, type MemoryNode, S_IFDIR, S_IFLNK, S_IFREG } from './memory-node.ts'

const BLOCK_BYTES = 4096
const DEFAULT_LIMIT_BYTES = 256 * MIB

/** How a folder in memory is made; `limitBytes` bounds its files' content, with a block for each node and each name. */
export interface MemoryFolderOptions {
  readonly clock: Clock
  readonly readOnly?: boolean
  readonly limitBytes?: number
}

/** A folder that lives in memory: for pages, which have no file system, and for tests. */
export class MemoryFolder implements FolderStore {
  readonly readOnly: boolean
  readonly #clock: Clock
  readonly #limitBytes: number
  readonly #root: MemoryNode
  readonly #table: NodeTable<MemoryNode>
  #usedBytes = 0
  #nextIno = 1n
  #nodes = 0

  constructor({ clock, readOnly = false, limitBytes = DEFAULT_LIMIT_BYTES }: MemoryFolderOptions) {
    this.#clock = clock
    this.readOnly = readOnly
    this.#limitBytes = limitBytes
    this.#root = this.#make(S_IFDIR | 0o755)
    this.#root.nlink = 1
    this.#table = new NodeTable(this.#root, node => this.#reclaim(node))
  }

  /** Host side: puts a file at `a/b/c`, making directories on the way. Throws `folder.path` when the path is none. */
  writeFile(path: string, content: Uint8Array, mode = 0o644): void {
    const names = path.split('/').filter(name => name !== '')
    const last = names.pop()
    let at = this.#root
    for (const name of names) {
      const next = at.children?.get(name) ?? this.#attach(at, name, this.#make(S_IFDIR | 0o755))
      if (!next.children) throw new DoppelError('folder.path', `${path}: ${name} is no directory`, { path })
      at = next
    }
    if (last === undefined || at.children?.get(last)?.children) {
      throw new DoppelError('folder.path', `'${path}' names no file`, { path })
    }
    const file = at.children?.get(last) ?? this.#attach(at, last, this.#make(S_IFREG | mode))
    if (!(file.file && this.#resize(file, content.length))) {
      throw new DoppelError('folder.path', `${path}: not a file, or no room for ${content.length} bytes`, { path })
    }
    file.file.write(0, content)
  }

  /** Host side: a copy of a file's content; undefined when there is no such file. */
  readFile(path: string): Uint8Array | undefined {
    let at: MemoryNode | undefined = this.#root
    for (const name of path.split('/').filter(part => part !== '')) at = at?.children?.get(name)
    return at?.file?.read(0, at.file.lengthBytes)
  }

  async lookup(parent: NodeId, name: string): Promise<Outcome<Entry>> {
    const children = this.#directory(parent)
    if (typeof children === 'number') return children
    const node = children.get(name)
    return node ? this.#entry(node) : Errno.ENOENT
  }

  forget(id: NodeId, count: number): void {
    this.#table.forget(id, count)
  }
  forgetAll(): void {
    this.#table.forgetAll()
  }

  async attributes(id: NodeId): Promise<Outcome<Attributes>> {
    return this.#table.get(id)?.attributes() ?? Errno.ESTALE
  }

  async setAttributes(id: NodeId, changes: AttributeChanges): Promise<Outcome<Attributes>> {
    const node = this.#table.get(id)
    if (!node) return Errno.ESTALE
    const now = this.#clock.realtimeNs()
    if (changes.sizeBytes !== undefined) {
      if (!node.file) return node.children ? Errno.EISDIR : Errno.EINVAL
      if (!this.#resize(node, changes.sizeBytes)) return Errno.ENOSPC
      node.mtimeNs = now
    }
    if (changes.mode !== undefined) node.mode = (node.mode & ~0o7777) | changes.mode
    node.uid = changes.uid ?? node.uid
    node.gid = changes.gid ?? node.gid
    if (changes.atimeNs !== undefined) node.atimeNs = changes.atimeNs === 'now' ? now : changes.atimeNs
    if (changes.mtimeNs !== undefined) node.mtimeNs = changes.mtimeNs === 'now' ? now : changes.mtimeNs
    node.ctimeNs = now
    return node.attributes()
  }

  async readLink(id: NodeId): Promise<Outcome<string>> {
    const node = this.#table.get(id)
    return node ? (node.target ?? Errno.EINVAL) : Errno.ESTALE
  }

  async makeSymlink(parent: NodeId, name: string, target: string): Promise<Outcome<Entry>> {
    return this.#add(parent, name, () => this.#make(S_IFLNK | 0o777, target))
  }

  async makeDirectory(parent: NodeId, name: string, mode: number): Promise<Outcome<Entry>> {
    return this.#add(parent, name, () => this.#make(S_IFDIR | mode))
  }

  async link(id: NodeId, parent: NodeId, name: string): Promise<Outcome<Entry>> {
    const node = this.#table.get(id)
    if (!node) return Errno.ESTALE
    if (node.children) return Errno.EPERM
    if (node.nlink === 0) return Errno.ENOENT
    return this.#add(parent, name, () => node)
  }

  async unlink(parent: NodeId, name: string): Promise<Outcome<undefined>> {
    const children = this.#directory(parent)
    if (typeof children === 'number') return children
    const node = children.get(name)
    if (!node) return Errno.ENOENT
    if (node.children) return Errno.EISDIR
    this.#detach(parent, name)
    return undefined
  }

  async removeDirectory(parent: NodeId, name: string): Promise<Outcome<undefined>> {
    const children = this.#directory(parent)
    if (typeof children === 'number') return children
    const node = children.get(name)
    if (!node) return Errno.ENOENT
    if (!node.children) return Errno.ENOTDIR
    if (node.children.size > 0) return Errno.ENOTEMPTY
    this.#detach(parent, name)
    return undefined
  }

  async rename(
    from: NodeId,
    name: string,
    to: NodeId,
    newName: string,
    noReplace: boolean,
  ): Promise<Outcome<undefined>> {
    const source = this.#directory(from)
    const target = this.#directory(to)
    if (typeof source === 'number') return source
    if (typeof target === 'number') return target
    const node = source.get(name)
    if (!node) return Errno.ENOENT
    const replaced = target.get(newName)
    if (this.#table.get(to)?.nlink === 0) return Errno.ENOENT
    if (replaced && noReplace) return Errno.EEXIST
    if (replaced === node) return undefined
    if (node.children && holds(node, target)) return Errno.EINVAL
    if (replaced?.children) {
      if (!node.children) return Errno.EISDIR
      if (replaced.children.size > 0) return Errno.ENOTEMPTY
    } else if (replaced && node.children) {
      return Errno.ENOTDIR
    }
    if (replaced) this.#detach(to, newName)
    source.delete(name)
    target.set(newName, node)
    const now = this.#clock.realtimeNs()
    node.ctimeNs = now
    for (const id of [from, to]) this.#touch(this.#table.get(id), now)
    return undefined
  }

  async open(id: NodeId, mode: OpenMode): Promise<Outcome<OpenFile>> {
    const node = this.#table.get(id)
    if (!node) return Errno.ESTALE
    return node.file ? this.#open(node, mode) : node.children ? Errno.EISDIR : Errno.ELOOP
  }

  async create(
    parent: NodeId,
    name: string,
    permissions: number,
    mode: OpenMode & { readonly exclusive: boolean },
  ): Promise<Outcome<{ readonly entry: Entry; readonly file: OpenFile }>> {
    const children = this.#directory(parent)
    if (typeof children === 'number') return children
    const old = children.get(name)
    if (old && mode.exclusive) return Errno.EEXIST
    if (old && !old.file) return old.children ? Errno.EISDIR : Errno.ELOOP
    const entry = old ? this.#entry(old) : this.#add(parent, name, () => this.#make(S_IFREG | permissions))
    if (typeof entry === 'number') return entry
    return { entry, file: this.#open(children.get(name) as MemoryNode, mode) }
  }

  async list(id: NodeId): Promise<Outcome<readonly DirectoryEntry[]>> {
    const children = this.#directory(id)
    if (typeof children === 'number') return children
    return [...children].map(([name, node]) => ({ name, type: node.mode & 0o170000 }))
  }

  async statistics(): Promise<Outcome<FolderStatistics>> {
    const blocks = Math.floor(this.#limitBytes / BLOCK_BYTES)
    const freeBlocks = Math.floor((this.#limitBytes - this.#usedBytes) / BLOCK_BYTES)
    const files = this.#nodes
    return { blockBytes: BLOCK_BYTES, blocks, freeBlocks, availableBlocks: freeBlocks, files, freeFiles: freeBlocks }
  }

  #make(mode: number, target?: string): MemoryNode {
    this.#nodes++
    this.#usedBytes += BLOCK_BYTES
    return makeMemoryNode(this.#nextIno++, mode, this.#clock.realtimeNs(), target)
  }

  #directory(id: NodeId): Map<string, MemoryNode> | number {
    const node = this.#table.get(id)
    if (!node) return Errno.ESTALE
    return node.children ?? Errno.ENOTDIR
  }

  #entry(node: MemoryNode): Entry {
    return { id: this.#table.refer(node), attributes: node.attributes() }
  }

  #add(parent: NodeId, name: string, make: () => MemoryNode): Outcome<Entry> {
    const children = this.#directory(parent)
    if (typeof children === 'number') return children
    if (children.has(name)) return Errno.EEXIST
    const directory = this.#table.get(parent) as MemoryNode
    // A directory that was removed while the guest still held it takes no new names.
    if (directory.nlink === 0) return Errno.ENOENT
    if (this.#usedBytes + 2 * BLOCK_BYTES > this.#limitBytes) return Errno.ENOSPC
    return this.#entry(this.#attach(directory, name, make()))
  }

  #attach(directory: MemoryNode, name: string, node: MemoryNode): MemoryNode {
    const now = this.#clock.realtimeNs()
    directory.children?.set(name, node)
    node.nlink++
    this.#usedBytes += BLOCK_BYTES
    node.ctimeNs = now
    this.#touch(directory, now)
    return node
  }

  #detach(parent: NodeId, name: string): void {
    const directory = this.#table.get(parent)
    const node = directory?.children?.get(name)
    if (!node) return
    const now = this.#clock.realtimeNs()
    directory?.children?.delete(name)
    node.nlink--
    this.#usedBytes -= BLOCK_BYTES
    node.ctimeNs = now
    this.#touch(directory, now)
    this.#reclaim(node)
  }

  #touch(directory: MemoryNode | undefined, now: bigint): void {
    if (!directory) return
    directory.mtimeNs = now
    directory.ctimeNs = now
  }

  #open(node: MemoryNode, mode: OpenMode): OpenFile {
    if (mode.truncate) this.#resize(node, 0)
    node.opens++
    return {
      read: async (offset, lengthBytes) => {
        if (!mode.read) return Errno.EBADF
        return node.file?.read(offset, lengthBytes) ?? Errno.EIO
      },
      write: async (offset, bytes) => {
        if (!mode.write) return Errno.EBADF
        const end = Math.max(node.file?.lengthBytes ?? 0, offset + bytes.length)
        if (!this.#resize(node, end)) return Errno.ENOSPC
        node.file?.write(offset, bytes)
        node.mtimeNs = this.#clock.realtimeNs()
        node.ctimeNs = node.mtimeNs
        return undefined
      },
      sync: async () => undefined,
      close: () => {
        node.opens--
        this.#reclaim(node)
      },
    }
  }

  /** False, and nothing changed, when the folder's limit would be passed. */
  #resize(node: MemoryNode, lengthBytes: number): boolean {
    const grown = lengthBytes - (node.file?.lengthBytes ?? 0)
    if (this.#usedBytes + grown > this.#limitBytes) return false
    node.file?.resize(lengthBytes)
    this.#usedBytes += grown
    return true
  }

  /** The content of a file with no name, no opener and no reference is free space again. */
  #reclaim(node: MemoryNode): void {
    if (node.nlink > 0 || node.opens > 0 || this.#table.has(node)) return
    this.#nodes--
    this.#usedBytes -= BLOCK_BYTES
    if (node.file) this.#resize(node, 0)
  }
}

/** True when `directory` is `node`'s own list of names or lies below it. */
function holds(node: MemoryNode, directory: Map<string, MemoryNode>): boolean {
  const stack = [node]
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.children === directory) return true
    for (const child of next.children?.values() ?? []) if (child.children) stack.push(child)
  }
  return false
}
