import { CHUNK_BYTES, type FrozenDisk, Holders, readOver } from './frozen-disk.ts'
import type { SnapshotSpace } from '../snapshot/file.ts'
import type { SavedSpace } from '../snapshot/write.ts'

/** A disk as the pages that a snapshot has, over the image they differ from; holds `base` until its last holder is done. */
export function savedDisk(
  pages: Pick<SnapshotSpace, 'read' | 'tells' | 'toldPages'>,
  sizeBytes: number,
  base: FrozenDisk | undefined,
): FrozenDisk {
  base?.retain()
  const holders = new Holders(async () => await base?.release())
  const page = (chunk: number): Uint8Array | undefined => {
    if (base && !pages.tells(chunk)) return undefined
    const bytes = new Uint8Array(CHUNK_BYTES)
    pages.read(chunk, bytes)
    return bytes
  }
  return {
    sizeBytes,
    file: base?.file,
    ownChunks: () => pages.toldPages(),
    read: async (offset, into) => {
      if (base) await readOver(page, base, offset, into)
      else await readOver(page, { read: () => Promise.resolve() }, offset, into)
    },
    retain: holders.retain,
    release: holders.release,
  }
}

/** What a snapshot holds of a disk. */
export function diskSpace(name: string, disk: FrozenDisk): SavedSpace {
  return {
    name,
    pageCount: Math.ceil(disk.sizeBytes / CHUNK_BYTES),
    isOverlay: disk.file !== undefined,
    pages: () => disk.ownChunks(),
    read: async (page, into) => await disk.read(page * CHUNK_BYTES, into),
  }
}
