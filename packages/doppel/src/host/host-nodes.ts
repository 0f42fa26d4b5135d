import * as fs from 'node:fs'
import { promisify } from 'node:util'
import type { Saved } from '@doppel/base'
import { Errno, type NodeId, NodeTable } from '@doppel/devices'

/** Node descriptors kept open at once; those least recently used are closed and found again by name. */
const MAX_NODE_DESCRIPTORS = 1024

/** open(2) flag of Linux that Node's constants leave out: a handle on the inode itself, with no right to its content. */
const O_PATH = 0o10000000
const { O_NOFOLLOW, O_DIRECTORY } = fs.constants

const openPath = promisify(fs.open)
const fstat = promisify(fs.fstat) as (fd: number, options: { bigint: true }) => Promise<fs.BigIntStats>

/** A system call's failure that we found out ourselves. */
export class GuestError extends Error {
  /** Negative, as Node's own errors have it. */
  readonly errno: number

  constructor(errno: number) {
    super(`errno ${errno}`)
    this.errno = -errno
  }
}

/** An inode of the shared folder that the guest refers to. */
export interface HostNode {
  readonly key: string
  /** Where it was last seen: a directory of the folder, and one name in it. The root has neither. */
  parent: HostNode | undefined
  name: string
  fd: number | undefined
  opening: Promise<void> | undefined
  /** Calls that are using `fd` now; it is closed only when there are none. */
  users: number
}

/** A node in a snapshot: `parent` is its directory's place among them, or the root. */
interface SavedNode {
  readonly key: string
  readonly parent: number
  readonly name: string
}
const ROOT_PLACE = -1
interface NodesState {
  readonly version: 1
  readonly nodes: readonly SavedNode[]
  readonly entries: readonly { readonly id: NodeId; readonly count: number; readonly node: number }[]
  readonly nextId: NodeId
}

/**
 * The inodes that a guest refers to, each reached through a descriptor on itself or on its directory. A path is only
 * ever `/proc/self/fd/N/name` with one checked name, opened with O_NOFOLLOW: no symbolic link is followed and `..` does
 * not occur, so neither can lead outside, whatever is renamed meanwhile (Linux openat(2), proc_pid_fd(5)).
 */
export class HostNodes {
  readonly root: HostNode
  readonly #table: NodeTable<HostNode>
  readonly #byKey = new Map<string, HostNode>()
  /** Nodes with an open descriptor, least recently used first; without the root. */
  readonly #open = new Set<HostNode>()

  private constructor(root: HostNode) {
    this.root = root
    this.#byKey.set(root.key, root)
    this.#table = new NodeTable(root, node => this.#drop(node))
  }

  /** Opens the folder itself; here alone links are followed, since it is the host's user who names it. */
  static async open(path: string): Promise<HostNodes> {
    const fd = await openPath(path, O_PATH | O_DIRECTORY)
    const stats = await fstat(fd, { bigint: true })
    return new HostNodes({ key: keyOf(stats), parent: undefined, name: '', fd, opening: undefined, users: 1 })
  }

  get(id: NodeId): HostNode {
    const node = this.#table.get(id)
    if (!node) throw new GuestError(Errno.ESTALE)
    return node
  }

  forget(id: NodeId, count: number): void {
    this.#table.forget(id, count)
  }
  forgetAll(): void {
    this.#table.forgetAll()
  }

  /** Runs `call` with a descriptor on the node itself (O_PATH), held for so long. */
  async use<T>(node: HostNode, call: (fd: number) => Promise<T>): Promise<T> {
    node.users++
    try {
      return await call(await this.#descriptor(node))
    } finally {
      node.users--
      this.#settle(node)
    }
  }

  /** Runs `call` with the node's own path, good while it runs. */
  useSelf<T>(node: HostNode, call: (path: string) => Promise<T>): Promise<T> {
    return this.use(node, fd => call(`/proc/self/fd/${fd}`))
  }

  /** Runs `call` with the path of a name in a directory, good while it runs. */
  async useName<T>(directory: HostNode, name: string, call: (path: string) => Promise<T>): Promise<T> {
    // Checked where guests' messages are parsed; again here, where a slip would open the host.
    if (name === '' || name === '.' || name === '..' || name.includes('/')) throw new GuestError(Errno.EINVAL)
    return this.use(directory, fd => call(`/proc/self/fd/${fd}/${name}`))
  }

  stat(node: HostNode): Promise<fs.BigIntStats> {
    return this.use(node, fd => fstat(fd, { bigint: true }))
  }

  /** Finds a name; the guest gets one reference to it. */
  async lookup(parent: HostNode, name: string): Promise<{ id: NodeId; node: HostNode; stats: fs.BigIntStats }> {
    const { fd, stats } = await this.#probe(parent, name)
    const key = keyOf(stats)
    let node = this.#byKey.get(key)
    if (!node) {
      node = { key, parent, name, fd, opening: undefined, users: 0 }
      this.#byKey.set(key, node)
      this.#open.add(node)
    } else {
      if (node !== this.root) {
        node.parent = parent
        node.name = name
      }
      fs.closeSync(fd)
    }
    const id = this.#table.refer(node)
    this.#evict()
    return { id, node, stats }
  }

  /** Notes that a node now has another name. */
  async moved(parent: HostNode, name: string): Promise<void> {
    const { fd, stats } = await this.#probe(parent, name)
    fs.closeSync(fd)
    const node = this.#byKey.get(keyOf(stats))
    if (!node || node === this.root) return
    node.parent = parent
    node.name = name
  }

  /** The nodes that the guest refers to, and the directories they were seen in, as a snapshot has them: version 1. */
  save(): Saved {
    const places = new Map<HostNode, number>()
    const nodes: SavedNode[] = []
    const place = (node: HostNode | undefined): number => {
      if (!node || node === this.root) return ROOT_PLACE
      const known = places.get(node)
      if (known !== undefined) return known
      const parent = place(node.parent)
      nodes.push({ key: node.key, parent, name: node.name })
      places.set(node, nodes.length - 1)
      return nodes.length - 1
    }
    const entries = [...this.#table.entries()].map(([id, count, node]) => ({ id, count, node: place(node) }))
    const state: NodesState = { version: 1, nodes, entries, nextId: this.#table.nextId }
    return state as unknown as Saved
  }
  /** Takes over what `save` told; each node is found again, and known by its inode, when it is used. */
  restore(saved: Saved): void {
    const state = saved as unknown as NodesState
    const nodes: HostNode[] = []
    for (const { key, parent, name } of state.nodes) {
      const node = { key, parent: nodes[parent] ?? this.root, name, fd: undefined, opening: undefined, users: 0 }
      nodes.push(node)
    }
    const entries = state.entries.flatMap(({ id, count, node: at }) => {
      const node = nodes[at]
      if (!node) return []
      this.#byKey.set(node.key, node)
      return [[id, count, node] as const]
    })
    this.#table.restore(entries, state.nextId)
  }

  /** Closes every descriptor; nothing may be under way. */
  close(): void {
    this.#table.forgetAll()
    this.root.users--
    if (this.root.fd !== undefined) fs.closeSync(this.root.fd)
    this.root.fd = undefined
  }

  async #descriptor(node: HostNode): Promise<number> {
    if (node.fd === undefined) {
      node.opening ??= this.#reopen(node).finally(() => {
        node.opening = undefined
      })
      await node.opening
    }
    if (node.fd === undefined) throw new GuestError(Errno.ESTALE)
    if (this.#open.delete(node)) this.#open.add(node)
    return node.fd
  }

  async #reopen(node: HostNode): Promise<void> {
    if (!node.parent) throw new GuestError(Errno.ESTALE)
    const { fd, stats } = await this.#probe(node.parent, node.name)
    if (keyOf(stats) !== node.key) {
      fs.closeSync(fd)
      throw new GuestError(Errno.ESTALE)
    }
    node.fd = fd
    this.#open.add(node)
  }

  async #probe(parent: HostNode, name: string): Promise<{ fd: number; stats: fs.BigIntStats }> {
    const fd = await this.useName(parent, name, path => openPath(path, O_PATH | O_NOFOLLOW))
    try {
      return { fd, stats: await fstat(fd, { bigint: true }) }
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  #drop(node: HostNode): void {
    if (this.#byKey.get(node.key) === node) this.#byKey.delete(node.key)
    this.#settle(node)
  }

  /** Closes what nobody refers to, then what has not been used for longest. */
  #settle(node: HostNode): void {
    if (this.#byKey.get(node.key) !== node) this.#closeIdle(node)
    this.#evict()
  }

  #evict(): void {
    if (this.#open.size <= MAX_NODE_DESCRIPTORS) return
    for (const node of this.#open) {
      if (this.#open.size <= MAX_NODE_DESCRIPTORS) return
      this.#closeIdle(node)
    }
  }

  #closeIdle(node: HostNode): void {
    if (node.users > 0 || node.fd === undefined) return
    fs.closeSync(node.fd)
    node.fd = undefined
    this.#open.delete(node)
  }
}

function keyOf(stats: fs.BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}
