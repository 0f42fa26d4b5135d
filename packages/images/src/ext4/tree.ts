import { DoppelError } from '@doppel/base'
import type { FileContent } from './blocks.ts'

/** What every node has: permission bits with set-id and sticky bits, owner, and when it was last changed. */
export interface NodeAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/** A directory; its attributes may change while its entries stay. */
export interface DirectoryNode {
  readonly type: 'directory'
  attributes: NodeAttributes
  readonly entries: Map<string, TreeNode>
}

/** What else a directory may hold. Two names for one object are a hard link. */
export type LeafNode = { readonly attributes: NodeAttributes } & (
  | { readonly type: 'file'; readonly content: FileContent }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'character-device' | 'block-device'; readonly major: number; readonly minor: number }
  | { readonly type: 'fifo' }
)

/** A node of a tree of files. */
export type TreeNode = DirectoryNode | LeafNode

const MAX_NAME_BYTES = 255
const MAX_TARGET_BYTES = 4095
/** As Linux has it (path_resolution(7)). */
const MAX_SYMLINKS = 40
/** Deeper trees no path of Linux's reaches (PATH_MAX). */
const MAX_DEPTH = 2048
const PLAIN: NodeAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0 }

/** A tree of files as a file system is to hold it. Paths are relative to its root; symbolic links stay inside it. */
export class FileTree {
  readonly root: DirectoryNode = { type: 'directory', attributes: PLAIN, entries: new Map() }

  /** The node at `path`, its last link not followed; undefined where there is none. Throws `tree.path`. */
  find(path: string): TreeNode | undefined {
    const { parent, name } = this.#locate(path, false)
    return name === '' ? parent : parent?.entries.get(name)
  }

  /** Makes a directory, or gives the one that is there these attributes; missing parents are made. Throws `tree.path`. */
  directory(path: string, attributes: NodeAttributes): void {
    const { parent, name } = this.#locate(path, true)
    const known = name === '' ? parent : parent.entries.get(name)
    // A package may name as a directory what another has made a link to one.
    if (known?.type === 'symlink' && this.#directoryAt(path)) return
    if (known?.type === 'directory') known.attributes = attributes
    else parent.entries.set(name, { type: 'directory', attributes, entries: new Map() })
  }

  /** Puts a node at `path`, in place of what is there. Throws `tree.path`. */
  put(path: string, node: LeafNode): void {
    if (node.type === 'symlink' && byteLength(node.target) > MAX_TARGET_BYTES) {
      throw new DoppelError('tree.path', `${path} links to a path of more than ${MAX_TARGET_BYTES} bytes`, { path })
    }
    const { parent, name } = this.#locate(path, true)
    if (name === '') throw new DoppelError('tree.path', `'${path}' is the root, which stays a directory`, { path })
    parent.entries.set(name, node)
  }

  /** Gives the node at `target` a second name. Throws `tree.path`, `tree.link`. */
  link(path: string, target: string): void {
    const node = this.find(target)
    if (!node || node.type === 'directory') {
      throw new DoppelError('tree.link', `${path} is a hard link to ${target}, which is no file of the tree`, { path })
    }
    this.put(path, node)
  }

  /** Removes what is at `path`, if anything is. Throws `tree.path`. */
  remove(path: string): void {
    const { parent, name } = this.#locate(path, false)
    parent?.entries.delete(name)
  }

  #directoryAt(path: string): DirectoryNode | undefined {
    return this.#locate(`${path}/.`, false).parent
  }

  #locate(path: string, make: true): { readonly parent: DirectoryNode; readonly name: string }
  #locate(path: string, make: boolean): { readonly parent: DirectoryNode | undefined; readonly name: string }
  /** The directory that holds the path's last name, links before it followed; the name is empty for the root. */
  #locate(path: string, make: boolean): { readonly parent: DirectoryNode | undefined; readonly name: string } {
    const fail = (reason: string): DoppelError => new DoppelError('tree.path', `'${path}': ${reason}`, { path })
    // What is still to be walked, last name first.
    const names = namesOf(path).reverse()
    let last = ''
    const walked: DirectoryNode[] = [this.root]
    let links = 0
    while (names.length > 0) {
      if (walked.length > MAX_DEPTH) throw fail(`more than ${MAX_DEPTH} directories deep`)
      const name = names.pop() as string
      const here = walked.at(-1) as DirectoryNode
      if (name === '..') {
        if (walked.length > 1) walked.pop()
        continue
      }
      if (name === '.') continue
      if (byteLength(name) > MAX_NAME_BYTES || name.includes('\0')) throw fail('a name is not one that a file can have')
      if (names.length === 0) {
        last = name
        break
      }
      const next = here.entries.get(name)
      if (next?.type === 'symlink') {
        if (++links > MAX_SYMLINKS) throw fail('too many symbolic links')
        if (next.target.startsWith('/')) walked.length = 1
        // A trailing dot keeps the rest a path below a directory.
        names.push(...namesOf(next.target).reverse())
      } else if (next?.type === 'directory') walked.push(next)
      else if (!make) return { parent: undefined, name: last }
      else if (next) throw fail(`${name} is no directory`)
      else {
        const made: DirectoryNode = { type: 'directory', attributes: PLAIN, entries: new Map() }
        here.entries.set(name, made)
        walked.push(made)
      }
    }
    return { parent: walked.at(-1) as DirectoryNode, name: last }
  }
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length
const namesOf = (path: string): string[] => path.split('/').filter(name => name !== '')
