import { DoppelError, type Saved } from '@doppel/base'

/** What the format needs of its host. */
export interface SnapshotHost {
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array
  compress(bytes: Uint8Array): Promise<Uint8Array>
  /** The bytes that were compressed, at most `limitBytes`; throws for what is no compressed data. */
  decompress(bytes: Uint8Array, limitBytes: number): Uint8Array
}

/*
 * A file is: the magic line; blocks of pages, compressed; the index, compressed; a trailer of fixed length. The index has
 * a checksum of each block and the trailer one of the index, so every byte that is used has been checked. That of the
 * index is the snapshot's name for its children: they hold only what differs from it.
 */
export const MAGIC = 'doppel snapshot\n'
export const VERSION = 2
export const HASH_BYTES = 32
/** u32 version, u64 offset and u64 length of the index, SHA-256 of it, the magic line once more. */
export const TRAILER_BYTES: number = 4 + 8 + 8 + HASH_BYTES + MAGIC.length
export const PAGES_PER_BLOCK = 32
export const MAX_INDEX_BYTES: number = 1 << 28

/** Pages packed together. */
export interface Block {
  readonly offset: number
  readonly lengthBytes: number
  readonly hash: Uint8Array
  readonly pages: readonly number[]
}

/** Memory or one disk. */
export interface SpaceIndex {
  readonly name: string
  readonly pageCount: number
  readonly blocks: readonly Block[]
  /** Pages that are zeros here, though not in the parent. */
  readonly zeros: readonly number[]
}

/** What the file says of itself. */
export interface Index {
  /** Everything that has no pages. */
  readonly machine: Saved
  readonly spaces: readonly SpaceIndex[]
  readonly parent: ParentReference | undefined
}

/** The snapshot whose pages are here too where this one does not say otherwise. */
export interface ParentReference {
  readonly id: Uint8Array
  /** Where it was when the child was made. */
  readonly path: string
}

/** An error for a file whose bytes are not what they were. */
export function damaged(name: string, what: string): DoppelError {
  return new DoppelError('snapshot.damaged', `${name} is damaged: ${what}`, { name })
}

/** True for the same bytes. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** True for nothing but zeros; `bytes` lie on a multiple of four and are whole words. */
export function isZero(bytes: Uint8Array): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  // Most pages show in their first words that they are not.
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
  return true
}
