import type { Attributes } from './folder-store.ts'

/** Type bits of a mode, stat(2). */
export const S_IFDIR = 0o040000
export const S_IFREG = 0o100000
export const S_IFLNK = 0o120000
const S_IFMT = 0o170000
const BLOCK_BYTES = 4096
const SECTOR_BYTES = 512

/** A file's content: grows by doubling, so that appending is cheap. */
class MemoryContent {
  #bytes: Uint8Array = new Uint8Array(0)
  #length = 0

  get lengthBytes(): number {
    return this.#length
  }

  read(offset: number, lengthBytes: number): Uint8Array {
    return this.#bytes.slice(offset, Math.min(this.#length, offset + lengthBytes))
  }

  /** Within the length set by `resize`. */
  write(offset: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, offset)
  }

  /** New bytes are zero. */
  resize(lengthBytes: number): void {
    if (lengthBytes < this.#length) {
      this.#bytes.fill(0, lengthBytes, this.#length)
      if (lengthBytes === 0) this.#bytes = new Uint8Array(0)
    } else if (lengthBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(lengthBytes, 2 * this.#length))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#length = lengthBytes
  }
}

/** A file, directory or symbolic link in memory; exactly one of `file`, `children` and `target` is there. */
export interface MemoryNode {
  mode: number
  nlink: number
  opens: number
  uid: number
  gid: number
  atimeNs: bigint
  mtimeNs: bigint
  ctimeNs: bigint
  readonly file: MemoryContent | undefined
  readonly children: Map<string, MemoryNode> | undefined
  readonly target: string | undefined
  attributes(): Attributes
}

/** Makes a node of the type in `mode`, owned by root, with no name yet. */
export function makeMemoryNode(ino: bigint, mode: number, nowNs: bigint, target?: string): MemoryNode {
  const type = mode & S_IFMT
  const node: MemoryNode = {
    mode,
    nlink: 0,
    opens: 0,
    uid: 0,
    gid: 0,
    atimeNs: nowNs,
    mtimeNs: nowNs,
    ctimeNs: nowNs,
    file: type === S_IFREG ? new MemoryContent() : undefined,
    children: type === S_IFDIR ? new Map() : undefined,
    target,
    attributes() {
      const sizeBytes = node.file?.lengthBytes ?? target?.length ?? BLOCK_BYTES
      return {
        ino,
        mode: node.mode,
        // A directory's own "." and its children's ".." are links too.
        nlink: node.children ? 2 + countDirectories(node.children) : node.nlink,
        uid: node.uid,
        gid: node.gid,
        rdev: 0,
        sizeBytes,
        blocks: Math.ceil(sizeBytes / SECTOR_BYTES),
        blockBytes: BLOCK_BYTES,
        atimeNs: node.atimeNs,
        mtimeNs: node.mtimeNs,
        ctimeNs: node.ctimeNs,
      }
    },
  }
  return node
}

function countDirectories(children: Map<string, MemoryNode>): number {
  let count = 0
  for (const child of children.values()) if (child.children) count++
  return count
}
