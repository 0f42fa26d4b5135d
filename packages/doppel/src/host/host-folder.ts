import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { type Clock, DoppelError, hostClock, type Saved } from '@doppel/base'
import {
  type AttributeChanges,
  type Attributes,
  type DirectoryEntry,
  type Entry,
  Errno,
  type FolderStatistics,
  type FolderStore,
  type NodeId,
  type OpenFile,
  type OpenMode,
  type Outcome,
} from '@doppel/devices'
import { errnoOf, HostFile } from './host-file.ts'
import { GuestError, type HostNode, HostNodes } from './host-nodes.ts'

const { O_RDONLY, O_WRONLY, O_RDWR, O_TRUNC, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants
/** A guest plants no set-user-ID or set-group-ID programs on its host. */
const PERMISSIONS = 0o1777
const NS_PER_SECOND = 1e9

const open = promisify(fs.open)
const fstat = promisify(fs.fstat) as (fd: number, options: { bigint: true }) => Promise<fs.BigIntStats>
const fchmod = promisify(fs.fchmod)
const chmod = promisify(fs.chmod)
const chown = promisify(fs.chown)
const truncate = promisify(fs.truncate)
const utimes = promisify(fs.utimes)
const readlink = promisify(fs.readlink)
const symlink = promisify(fs.symlink)
const mkdir = promisify(fs.mkdir)
const link = promisify(fs.link)
const unlink = promisify(fs.unlink) as (path: string) => Promise<undefined>
const rmdir = promisify(fs.rmdir) as (path: string) => Promise<undefined>
const rename = promisify(fs.rename)
const statfs = promisify(fs.statfs)
const readdir = promisify(fs.readdir) as (
  path: string,
  options: { withFileTypes: true; encoding: 'buffer' },
) => Promise<fs.Dirent<Buffer>[]>

/**
 * A folder of this host's, shared with a guest. Linux only, since it needs /proc/self/fd (see `HostNodes` for why nothing
 * outside the folder can be reached). Files that the guest makes belong to this process's user.
 */
export class HostFolder implements FolderStore {
  readonly readOnly: boolean
  readonly #nodes: HostNodes
  readonly #clock: Clock

  private constructor(nodes: HostNodes, readOnly: boolean, clock: Clock) {
    this.#nodes = nodes
    this.readOnly = readOnly
    this.#clock = clock
  }

  /** Opens the folder at `path`. Throws `folder.platform` elsewhere than on Linux, `folder.open` when it cannot be. */
  static async open(
    path: string,
    { readOnly = false, clock = hostClock() }: { readonly readOnly?: boolean; readonly clock?: Clock } = {},
  ): Promise<HostFolder> {
    if (process.platform !== 'linux') {
      throw new DoppelError('folder.platform', `sharing a host folder needs Linux; this is ${process.platform}`, {
        path,
      })
    }
    try {
      return new HostFolder(await HostNodes.open(path), readOnly, clock)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new DoppelError(
        'folder.open',
        `cannot share ${path}: expected a readable folder (${reason})`,
        { path },
        error,
      )
    }
  }

  /** Gives every descriptor back; the guest must have stopped. */
  close(): void {
    this.#nodes.close()
  }

  save(): Saved {
    return this.#nodes.save()
  }
  restore(state: Saved): void {
    this.#nodes.restore(state)
  }

  lookup(parent: NodeId, name: string): Promise<Outcome<Entry>> {
    return attempt(() => this.#entry(this.#nodes.get(parent), name))
  }

  forget(id: NodeId, count: number): void {
    this.#nodes.forget(id, count)
  }
  forgetAll(): void {
    this.#nodes.forgetAll()
  }

  attributes(id: NodeId): Promise<Outcome<Attributes>> {
    return attempt(async () => attributesOf(await this.#nodes.stat(this.#nodes.get(id))))
  }

  setAttributes(id: NodeId, changes: AttributeChanges): Promise<Outcome<Attributes>> {
    return attempt(async () => {
      const node = this.#nodes.get(id)
      const before = await this.#nodes.stat(node)
      const { mode, uid = Number(before.uid), gid = Number(before.gid), sizeBytes } = changes
      await this.#nodes.useSelf(node, async path => {
        if (sizeBytes !== undefined) await truncate(path, sizeBytes)
        // Setting the owner it has needs no privilege here, as it needs none of the guest's root.
        if (uid !== Number(before.uid) || gid !== Number(before.gid)) await chown(path, uid, gid)
        if (mode !== undefined) await chmod(path, mode & PERMISSIONS)
        if (changes.atimeNs !== undefined || changes.mtimeNs !== undefined) {
          const now = this.#clock.realtimeNs()
          const pick = (to: bigint | 'now' | undefined, was: bigint): number | Date =>
            time(to === 'now' ? now : (to ?? was))
          await utimes(path, pick(changes.atimeNs, before.atimeNs), pick(changes.mtimeNs, before.mtimeNs))
        }
      })
      return attributesOf(await this.#nodes.stat(node))
    })
  }

  readLink(id: NodeId): Promise<Outcome<string>> {
    return attempt(() => {
      const node = this.#nodes.get(id)
      if (!node.parent) throw new GuestError(Errno.EINVAL)
      return this.#nodes.useName(node.parent, node.name, path => readlink(path))
    })
  }

  makeSymlink(parent: NodeId, name: string, target: string): Promise<Outcome<Entry>> {
    return attempt(async () => {
      const directory = this.#nodes.get(parent)
      await this.#nodes.useName(directory, name, path => symlink(target, path))
      return this.#entry(directory, name)
    })
  }

  makeDirectory(parent: NodeId, name: string, mode: number): Promise<Outcome<Entry>> {
    return attempt(async () => {
      const directory = this.#nodes.get(parent)
      await this.#nodes.useName(directory, name, path => mkdir(path, mode & PERMISSIONS))
      const { id, node } = await this.#nodes.lookup(directory, name)
      // The guest has applied its own umask; ours is not to narrow the mode further.
      await this.#nodes.useSelf(node, path => chmod(path, mode & PERMISSIONS))
      return { id, attributes: attributesOf(await this.#nodes.stat(node)) }
    })
  }

  link(id: NodeId, parent: NodeId, name: string): Promise<Outcome<Entry>> {
    return attempt(async () => {
      const node = this.#nodes.get(id)
      const directory = this.#nodes.get(parent)
      if (!node.parent) throw new GuestError(Errno.EPERM)
      // link(2) does not follow a symbolic link, so what gets a second name lies in the folder too.
      await this.#nodes.useName(node.parent, node.name, from =>
        this.#nodes.useName(directory, name, to => link(from, to)),
      )
      return this.#entry(directory, name)
    })
  }

  unlink(parent: NodeId, name: string): Promise<Outcome<undefined>> {
    return attempt(() => this.#nodes.useName(this.#nodes.get(parent), name, path => unlink(path)))
  }

  removeDirectory(parent: NodeId, name: string): Promise<Outcome<undefined>> {
    return attempt(() => this.#nodes.useName(this.#nodes.get(parent), name, path => rmdir(path)))
  }

  rename(from: NodeId, name: string, to: NodeId, newName: string, noReplace: boolean): Promise<Outcome<undefined>> {
    return attempt(async () => {
      const source = this.#nodes.get(from)
      const target = this.#nodes.get(to)
      // Node has no renameat2(2): a host process that makes the name just now loses it.
      if (noReplace && (await this.#exists(target, newName))) throw new GuestError(Errno.EEXIST)
      await this.#nodes.useName(source, name, old => this.#nodes.useName(target, newName, path => rename(old, path)))
      await this.#nodes.moved(target, newName)
      return undefined
    })
  }

  open(id: NodeId, mode: OpenMode): Promise<Outcome<OpenFile>> {
    return attempt(async () => {
      const node = this.#nodes.get(id)
      const stats = await this.#nodes.stat(node)
      if (stats.isDirectory()) throw new GuestError(Errno.EISDIR)
      if (stats.isSymbolicLink()) throw new GuestError(Errno.ELOOP)
      // Opening a device, pipe or socket of the host's could act on it, or wait for ever.
      if (!stats.isFile()) throw new GuestError(Errno.ENXIO)
      return this.#nodes.useSelf(node, async path => new HostFile(await open(path, openFlags(mode))))
    })
  }

  create(
    parent: NodeId,
    name: string,
    permissions: number,
    mode: OpenMode & { readonly exclusive: boolean },
  ): Promise<Outcome<{ readonly entry: Entry; readonly file: OpenFile }>> {
    return attempt(async () => {
      const directory = this.#nodes.get(parent)
      const made = await this.#make(directory, name, permissions, mode)
      if (made) return made
      if (mode.exclusive) throw new GuestError(Errno.EEXIST)
      const entry = await this.#entry(directory, name)
      const file = await this.open(entry.id, mode)
      if (typeof file !== 'number') return { entry, file }
      this.#nodes.forget(entry.id, 1)
      return file
    })
  }

  list(id: NodeId): Promise<Outcome<readonly DirectoryEntry[]>> {
    return attempt(async () => {
      const read = (path: string): Promise<fs.Dirent<Buffer>[]> =>
        readdir(path, { withFileTypes: true, encoding: 'buffer' })
      const entries: DirectoryEntry[] = []
      for (const entry of await this.#nodes.useSelf(this.#nodes.get(id), read)) {
        const name = entry.name.toString('utf8')
        // A name that is not UTF-8 cannot be asked for again, so it is not shown.
        if (Buffer.from(name, 'utf8').equals(entry.name)) entries.push({ name, type: typeOf(entry) })
      }
      return entries
    })
  }

  statistics(): Promise<Outcome<FolderStatistics>> {
    return attempt(async () => {
      const s = await this.#nodes.useSelf(this.#nodes.root, path => statfs(path))
      return {
        blockBytes: s.bsize,
        blocks: s.blocks,
        freeBlocks: s.bfree,
        availableBlocks: s.bavail,
        files: s.files,
        freeFiles: s.ffree,
      }
    })
  }

  async #entry(directory: HostNode, name: string): Promise<Entry> {
    const { id, stats } = await this.#nodes.lookup(directory, name)
    return { id, attributes: attributesOf(stats) }
  }

  async #exists(directory: HostNode, name: string): Promise<boolean> {
    try {
      const { id } = await this.#nodes.lookup(directory, name)
      this.#nodes.forget(id, 1)
      return true
    } catch (error) {
      if (errnoOf(error) === Errno.ENOENT) return false
      throw error
    }
  }

  /** Makes a file that was not there; undefined when it was. */
  async #make(
    directory: HostNode,
    name: string,
    permissions: number,
    mode: OpenMode,
  ): Promise<{ entry: Entry; file: OpenFile } | undefined> {
    const flags = openFlags(mode) | O_CREAT | O_EXCL | O_NOFOLLOW
    let fd: number
    try {
      fd = await this.#nodes.useName(directory, name, path => open(path, flags, permissions & PERMISSIONS))
    } catch (error) {
      if (errnoOf(error) === Errno.EEXIST) return undefined
      throw error
    }
    const file = new HostFile(fd)
    try {
      await fchmod(fd, permissions & PERMISSIONS)
      const { ino, dev } = await fstat(fd, { bigint: true })
      const { id, stats } = await this.#nodes.lookup(directory, name)
      // Replaced in between by the host: what was made is not what the name says.
      if (stats.ino !== ino || stats.dev !== dev) {
        this.#nodes.forget(id, 1)
        throw new GuestError(Errno.ESTALE)
      }
      return { entry: { id, attributes: attributesOf(stats) }, file }
    } catch (error) {
      file.close()
      throw error
    }
  }
}

/** Runs what may fail with a system call's error and makes that a value. */
async function attempt<T extends object | string | undefined>(run: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await run()
  } catch (error) {
    return errnoOf(error)
  }
}

/** O_APPEND is left out: the guest's kernel sends offsets. O_NONBLOCK: a file swapped for a pipe must not wait. */
function openFlags({ read, write, truncate: cut }: OpenMode): number {
  return (read ? (write ? O_RDWR : O_RDONLY) : O_WRONLY) | (cut ? O_TRUNC : 0) | O_NONBLOCK
}

/** What utimes(2) of Node takes; for times before 1970 it wants a Date. */
function time(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : Number(ns) / NS_PER_SECOND
}

function typeOf(entry: fs.Dirent<Buffer>): number {
  if (entry.isFile()) return fs.constants.S_IFREG
  if (entry.isDirectory()) return fs.constants.S_IFDIR
  if (entry.isSymbolicLink()) return fs.constants.S_IFLNK
  if (entry.isFIFO()) return fs.constants.S_IFIFO
  if (entry.isSocket()) return fs.constants.S_IFSOCK
  return entry.isBlockDevice() ? fs.constants.S_IFBLK : fs.constants.S_IFCHR
}

function attributesOf(s: fs.BigIntStats): Attributes {
  return {
    ino: s.ino,
    mode: Number(s.mode),
    nlink: Number(s.nlink),
    uid: Number(s.uid),
    gid: Number(s.gid),
    rdev: Number(BigInt.asUintN(32, s.rdev)),
    sizeBytes: Number(s.size),
    blocks: Number(s.blocks),
    blockBytes: Number(s.blksize),
    atimeNs: s.atimeNs,
    mtimeNs: s.mtimeNs,
    ctimeNs: s.ctimeNs,
  }
}
