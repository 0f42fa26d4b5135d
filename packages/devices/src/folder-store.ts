import type { Saved } from '@doppel/base'

/** A result that a guest sees: the value, or a positive Linux error number (see `Errno`). */
export type Outcome<T extends object | string | undefined> = T | number

/** A file, directory or symbolic link that the guest holds a reference to. The root is `ROOT_NODE`, always. */
export type NodeId = number

/** The shared folder itself. */
export const ROOT_NODE: NodeId = 1

/** What stat(2) tells, in Linux's encoding of `mode` (type bits included). Times are ns since 1970. */
export interface Attributes {
  readonly ino: bigint
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  readonly sizeBytes: number
  /** In units of 512 bytes. */
  readonly blocks: number
  readonly blockBytes: number
  readonly atimeNs: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** What chmod, chown, truncate and utimens change; what is absent stays. */
export interface AttributeChanges {
  /** Permission bits only. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly sizeBytes?: number
  readonly atimeNs?: bigint | 'now'
  readonly mtimeNs?: bigint | 'now'
}

/** A node handed to the guest; it counts as one reference, which `forget` gives back. */
export interface Entry {
  readonly id: NodeId
  readonly attributes: Attributes
}

/** One name in a directory; `type` is the mode's type bits, e.g. 0o100000 for a regular file. */
export interface DirectoryEntry {
  readonly name: string
  readonly type: number
}

/** How a file is opened. */
export interface OpenMode {
  readonly read: boolean
  readonly write: boolean
  readonly truncate: boolean
}

/** An open regular file. After `close`, which may come while calls are under way, no method is called. */
export interface OpenFile {
  /** At most `lengthBytes` bytes from `offset`; shorter at the end of the file. */
  read(offset: number, lengthBytes: number): Promise<Outcome<Uint8Array>>
  /** Writes all of `bytes`. */
  write(offset: number, bytes: Uint8Array): Promise<Outcome<undefined>>
  sync(dataOnly: boolean): Promise<Outcome<undefined>>
  close(): void
}

/** What statfs(2) tells. */
export interface FolderStatistics {
  readonly blockBytes: number
  readonly blocks: number
  readonly freeBlocks: number
  readonly availableBlocks: number
  readonly files: number
  readonly freeFiles: number
}

/**
 * A folder shared with a guest. Failures are values: no method throws or rejects because of what a guest asked. Names
 * are single components, already checked: not empty, `.` or `..`, without `/` or NUL. A node that the guest holds no
 * reference to is ESTALE. Symbolic links are never followed here: the guest resolves them.
 */
export interface FolderStore {
  /** When true the guest gets EROFS for whatever would change something, and the changing methods are not called. */
  readonly readOnly: boolean
  lookup(parent: NodeId, name: string): Promise<Outcome<Entry>>
  /** Gives back `count` references, at most those it holds. */
  forget(id: NodeId, count: number): void
  /** The guest has gone: gives back every reference. */
  forgetAll(): void
  attributes(id: NodeId): Promise<Outcome<Attributes>>
  setAttributes(id: NodeId, changes: AttributeChanges): Promise<Outcome<Attributes>>
  readLink(id: NodeId): Promise<Outcome<string>>
  makeSymlink(parent: NodeId, name: string, target: string): Promise<Outcome<Entry>>
  makeDirectory(parent: NodeId, name: string, mode: number): Promise<Outcome<Entry>>
  /** Another name for a node that is no directory. */
  link(id: NodeId, parent: NodeId, name: string): Promise<Outcome<Entry>>
  unlink(parent: NodeId, name: string): Promise<Outcome<undefined>>
  removeDirectory(parent: NodeId, name: string): Promise<Outcome<undefined>>
  /** rename(2); with `noReplace` an existing target is EEXIST. */
  rename(from: NodeId, name: string, to: NodeId, newName: string, noReplace: boolean): Promise<Outcome<undefined>>
  open(id: NodeId, mode: OpenMode): Promise<Outcome<OpenFile>>
  /** Makes and opens a regular file; an existing one is opened unless `exclusive`, when it is EEXIST. */
  create(
    parent: NodeId,
    name: string,
    permissions: number,
    mode: OpenMode & { readonly exclusive: boolean },
  ): Promise<Outcome<{ readonly entry: Entry; readonly file: OpenFile }>>
  /** All names but `.` and `..`. */
  list(id: NodeId): Promise<Outcome<readonly DirectoryEntry[]>>
  statistics(): Promise<Outcome<FolderStatistics>>
  /** What the guest holds references to, for a snapshot; a store that has `save` has `restore`. The files are not in it. */
  save?(): Saved
  /** Takes over what `save` told, in a store that nobody has used yet; what is not there any more is ESTALE. */
  restore?(state: Saved): void
}

/** The nodes a guest refers to, counted as FUSE counts them: each time a node is handed out is one reference. */
export class NodeTable<Node extends object> {
  readonly #nodes = new Map<NodeId, { readonly node: Node; count: number }>()
  readonly #ids = new Map<Node, NodeId>()
  readonly #dropped: (node: Node) => void
  readonly #root: Node
  #nextId = ROOT_NODE + 1

  /** `dropped` is called when the last reference to a node is given back; never for the root. */
  constructor(root: Node, dropped: (node: Node) => void) {
    this.#root = root
    this.#dropped = dropped
  }

  get(id: NodeId): Node | undefined {
    return id === ROOT_NODE ? this.#root : this.#nodes.get(id)?.node
  }

  /** True while the guest holds a reference to `node`. */
  has(node: Node): boolean {
    return node === this.#root || this.#ids.has(node)
  }

  /** Counts one more reference to `node` and returns its number. */
  refer(node: Node): NodeId {
    if (node === this.#root) return ROOT_NODE
    const known = this.#ids.get(node)
    const id = known ?? this.#nextId++
    const held = this.#nodes.get(id)
    if (held) {
      held.count++
    } else {
      this.#nodes.set(id, { node, count: 1 })
      this.#ids.set(node, id)
    }
    return id
  }

  forget(id: NodeId, count: number): void {
    const held = this.#nodes.get(id)
    if (!held) return
    held.count -= count
    if (held.count > 0) return
    this.#nodes.delete(id)
    this.#ids.delete(held.node)
    this.#dropped(held.node)
  }

  forgetAll(): void {
    for (const id of this.#nodes.keys()) this.forget(id, Infinity)
  }

  /** Every node but the root, with its number and count. */
  *entries(): Generator<readonly [id: NodeId, count: number, node: Node]> {
    for (const [id, { count, node }] of this.#nodes) yield [id, count, node]
  }
  get nextId(): NodeId {
    return this.#nextId
  }
  /** Takes over what `entries` told of another table, whose next number was `nextId`. */
  restore(entries: Iterable<readonly [id: NodeId, count: number, node: Node]>, nextId: NodeId): void {
    for (const [id, count, node] of entries) {
      this.#nodes.set(id, { node, count })
      this.#ids.set(node, id)
    }
    this.#nextId = nextId
  }
}
