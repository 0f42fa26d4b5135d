import { BLOCK_BYTES } from './geometry.ts'

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string
  readonly inode: number
  /** ext4_dir_entry_2.file_type. */
  readonly type: number
}

const ENTRY_HEAD_BYTES = 8
const align4 = (length: number): number => (length + 3) & ~3

/** A directory's blocks, unhashed: Linux reads them in order (Documentation/filesystems/ext4/directory.rst). */
export function encodeDirectory(entries: readonly DirectoryEntry[]): Uint8Array {
  const encoded = entries.map(entry => ({ ...entry, bytes: new TextEncoder().encode(entry.name) }))
  const blocks: (typeof encoded)[] = [[]]
  let used = 0
  for (const entry of encoded) {
    const length = align4(ENTRY_HEAD_BYTES + entry.bytes.length)
    if (used + length > BLOCK_BYTES) {
      blocks.push([])
      used = 0
    }
    blocks.at(-1)?.push(entry)
    used += length
  }
  const out = new Uint8Array(blocks.length * BLOCK_BYTES)
  const view = new DataView(out.buffer)
  for (const [i, block] of blocks.entries()) {
    let at = i * BLOCK_BYTES
    for (const [j, { inode, type, bytes }] of block.entries()) {
      // The last entry of a block reaches to its end.
      const isLast = j === block.length - 1
      const length = isLast ? (i + 1) * BLOCK_BYTES - at : align4(ENTRY_HEAD_BYTES + bytes.length)
      view.setUint32(at, inode, true)
      view.setUint16(at + 4, length, true)
      view.setUint8(at + 6, bytes.length)
      view.setUint8(at + 7, type)
      out.set(bytes, at + ENTRY_HEAD_BYTES)
      at += length
    }
  }
  return out
}
