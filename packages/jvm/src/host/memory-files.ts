import { type HostFile, type HostFileInfo, HostIoError, type JvmHost } from '../runtime/vm.ts'

/** A file or folder in memory. */
interface Node {
  readonly id: number
  modifiedMs: number
  /** A file’s bytes, more than it has; undefined for folders. */
  bytes: Uint8Array | undefined
  sizeBytes: number
  readonly children: Map<string, Node>
}

/** The part of a host that is its files. */
export type HostFiles = Pick<
  JvmHost,
  'stat' | 'readLink' | 'open' | 'list' | 'makeFolder' | 'remove' | 'rename' | 'realPath' | 'setModified'
>

/** What all files of one machine may hold together. */
const MAX_BYTES = 2 ** 31

/** Names of a path, dots and double dots worked off. */
function namesOf(path: string, folder: string): string[] {
  const names: string[] = []
  for (const name of (path.startsWith('/') ? path : `${folder}/${path}`).split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}

/** Files in memory, for hosts that have none, such as a page: `files` are there at first, by absolute path. */
export class MemoryFiles implements HostFiles {
  readonly #nowMs: () => number
  readonly #folder: string
  readonly #root: Node
  #nextId = 1
  #usedBytes = 0

  /** Paths that are not absolute begin at `folder`, which is made. */
  constructor(files: Readonly<Record<string, Uint8Array>>, folder: string, nowMs: () => number) {
    this.#nowMs = nowMs
    this.#folder = folder
    this.#root = this.#node(undefined)
    this.#folders(namesOf(folder, '/'))
    for (const [path, bytes] of Object.entries(files)) {
      const names = namesOf(path, '/')
      const name = names.pop()
      if (name !== undefined) this.#folders(names).children.set(name, this.#node(bytes))
    }
  }
  #node(bytes: Uint8Array | undefined): Node {
    const sizeBytes = bytes?.length ?? 0
    this.#usedBytes += sizeBytes
    return { id: this.#nextId++, modifiedMs: this.#nowMs(), bytes, sizeBytes, children: new Map() }
  }
  #folders(names: readonly string[]): Node {
    let at = this.#root
    for (const name of names) {
      let next = at.children.get(name)
      if (!next) at.children.set(name, (next = this.#node(undefined)))
      at = next
    }
    return at
  }
  #find(path: string): Node | undefined {
    let at: Node | undefined = this.#root
    for (const name of namesOf(path, this.#folder)) at = at?.children.get(name)
    return at
  }
  /** The folder that a path is in, and its name there. Throws ENOENT, ENOTDIR. */
  #place(path: string): readonly [folder: Node, name: string] {
    const names = namesOf(path, this.#folder)
    const name = names.pop() ?? ''
    const folder = this.#find(`/${names.join('/')}`)
    if (!folder) throw new HostIoError('ENOENT', 'No such file or directory')
    if (folder.bytes) throw new HostIoError('ENOTDIR', 'Not a directory')
    return [folder, name]
  }
  #existing(path: string): Node {
    const found = this.#find(path)
    if (!found) throw new HostIoError('ENOENT', 'No such file or directory')
    return found
  }

  stat(path: string): HostFileInfo | undefined {
    const node = this.#find(path)
    if (!node) return undefined
    const { id, sizeBytes, modifiedMs } = node
    const kind = node.bytes ? 'file' : 'folder'
    return { kind, id, sizeBytes, modifiedMs, readable: true, writable: true, executable: kind === 'folder' }
  }
  readLink(): string {
    throw new HostIoError('EINVAL', 'Invalid argument')
  }
  open(path: string, mode: Parameters<JvmHost['open']>[1]): HostFile {
    const [folder, name] = this.#place(path)
    let node = folder.children.get(name)
    if (node && mode.create && mode.exclusive) throw new HostIoError('EEXIST', 'File exists')
    if (!node) {
      if (!mode.create) throw new HostIoError('ENOENT', 'No such file or directory')
      folder.children.set(name, (node = this.#node(new Uint8Array(0))))
    }
    if (!node.bytes) throw new HostIoError('EISDIR', 'Is a directory')
    if (mode.truncate) this.#resize(node, 0)
    return this.#handle(node)
  }
  #handle(node: Node): HostFile {
    return {
      read: (into, position) => {
        const part = (node.bytes as Uint8Array).subarray(position, Math.min(node.sizeBytes, position + into.length))
        into.set(part)
        return part.length
      },
      write: (from, position) => {
        this.#resize(node, Math.max(node.sizeBytes, position + from.length))
        ;(node.bytes as Uint8Array).set(from, position)
        node.modifiedMs = this.#nowMs()
        return from.length
      },
      sizeBytes: () => node.sizeBytes,
      truncate: sizeBytes => this.#resize(node, sizeBytes),
      close: () => undefined,
    }
  }
  #resize(node: Node, sizeBytes: number): void {
    const more = sizeBytes - node.sizeBytes
    if (this.#usedBytes + more > MAX_BYTES) throw new HostIoError('ENOSPC', 'No space left on device')
    const have = node.bytes as Uint8Array
    if (sizeBytes > have.length) {
      node.bytes = new Uint8Array(Math.max(sizeBytes, Math.min(have.length * 2, MAX_BYTES)))
      node.bytes.set(have.subarray(0, node.sizeBytes))
    } else if (more < 0) have.fill(0, sizeBytes, node.sizeBytes)
    this.#usedBytes += more
    node.sizeBytes = sizeBytes
    node.modifiedMs = this.#nowMs()
  }
  list(path: string): string[] | undefined {
    const node = this.#find(path)
    return node && !node.bytes ? [...node.children.keys()] : undefined
  }
  makeFolder(path: string): void {
    const [folder, name] = this.#place(path)
    if (name === '' || folder.children.has(name)) throw new HostIoError('EEXIST', 'File exists')
    folder.children.set(name, this.#node(undefined))
  }
  remove(path: string): void {
    const [folder, name] = this.#place(path)
    const node = this.#existing(path)
    if (node.children.size > 0) throw new HostIoError('ENOTEMPTY', 'Directory not empty')
    this.#usedBytes -= node.sizeBytes
    folder.children.delete(name)
  }
  rename(from: string, to: string): void {
    const node = this.#existing(from)
    const [oldFolder, oldName] = this.#place(from)
    const [newFolder, newName] = this.#place(to)
    const there = newFolder.children.get(newName)
    if (there === node) return
    if (there && there.children.size > 0) throw new HostIoError('ENOTEMPTY', 'Directory not empty')
    if (`/${namesOf(to, this.#folder).join('/')}/`.startsWith(`/${namesOf(from, this.#folder).join('/')}/`)) {
      throw new HostIoError('EINVAL', 'Invalid argument')
    }
    if (there) this.#usedBytes -= there.sizeBytes
    oldFolder.children.delete(oldName)
    newFolder.children.set(newName, node)
  }
  realPath(path: string): string {
    return `/${namesOf(path, this.#folder).join('/')}`
  }
  setModified(path: string, modifiedMs: number): void {
    this.#existing(path).modifiedMs = modifiedMs
  }
}
