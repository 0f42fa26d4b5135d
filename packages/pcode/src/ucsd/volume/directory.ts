import { DoppelError } from '@doppel/base'
import { BLOCK_BYTES, type DiskPort } from '../units/disk.ts'
import { readDate, type VolumeDate } from './dated-disk.ts'
import {
  ACCESS_DATE,
  DIRECTORY_BLOCK,
  DIRECTORY_BLOCKS,
  ENTRY_BYTES,
  FILE_COUNT,
  FILE_KINDS,
  FIRST_BLOCK,
  KIND,
  LAST_BYTES,
  MAX_FILE_NAME,
  MAX_FILES,
  MAX_VOLUME_NAME,
  NAME,
  NEXT_BLOCK,
  VOLUME_BLOCKS,
} from './layout.ts'

/** A file of a volume. */
export interface VolumeFile {
  readonly name: string
  /** One of `FILE_KINDS`. */
  readonly kind: string
  readonly firstBlock: number
  /** The block behind its last one. */
  readonly nextBlock: number
  /** Bytes of its last block that count. */
  readonly lastBytes: number
  readonly date: VolumeDate | undefined
}

/** What a volume's directory says. */
export interface Directory {
  readonly name: string
  readonly bigEndian: boolean
  /** Blocks that the volume has, by its own word. */
  readonly blocks: number
  readonly files: readonly VolumeFile[]
}

/** Reads and checks the directory of a disk. Throws `ucsd.volume-…` for what is none. */
export function readDirectory(disk: DiskPort): Directory {
  if (disk.sizeBytes % BLOCK_BYTES !== 0 || disk.sizeBytes < (DIRECTORY_BLOCK + DIRECTORY_BLOCKS) * BLOCK_BYTES) {
    throw new DoppelError(
      'ucsd.volume-size',
      `the image has ${disk.sizeBytes} bytes; expected whole blocks of ${BLOCK_BYTES}, at least 6`,
      { sizeBytes: disk.sizeBytes },
    )
  }
  const bytes = new Uint8Array(DIRECTORY_BLOCKS * BLOCK_BYTES)
  disk.read(DIRECTORY_BLOCK * BLOCK_BYTES, bytes)
  const view = new DataView(bytes.buffer)
  const isHeader = (bigEndian: boolean): boolean => {
    const next = view.getUint16(NEXT_BLOCK, !bigEndian)
    const name = bytes[NAME] as number
    return (
      view.getUint16(FIRST_BLOCK, !bigEndian) === 0 && next >= 6 && next <= 10 && name > 0 && name <= MAX_VOLUME_NAME
    )
  }
  const bigEndian = isHeader(true)
  if (!bigEndian && !isHeader(false)) {
    throw new DoppelError('ucsd.volume-directory', 'block 2 of the image begins no directory of a UCSD p-System volume')
  }
  const name = nameAt(bytes, NAME, MAX_VOLUME_NAME)
  const count = view.getUint16(FILE_COUNT, !bigEndian)
  const blocks = view.getUint16(VOLUME_BLOCKS, !bigEndian)
  if (count > MAX_FILES) {
    throw new DoppelError('ucsd.volume-count', `${name}: has ${count} files by its directory; ${MAX_FILES} fit in`, {
      count,
    })
  }
  const files = Array.from({ length: count }, (_, i) => fileAt(view, bytes, (i + 1) * ENTRY_BYTES, bigEndian))
  let free = view.getUint16(NEXT_BLOCK, !bigEndian)
  for (const file of files) {
    // One that reaches beyond the image is left to whoever reads it: images are often cut short after the last file.
    if (file.firstBlock < free || file.nextBlock < file.firstBlock || file.lastBytes > BLOCK_BYTES) {
      throw new DoppelError(
        'ucsd.volume-entry',
        `${name}:${file.name} lies in blocks ${file.firstBlock} to ${file.nextBlock - 1}; block ${free} is the first free one`,
        { name: file.name, firstBlock: file.firstBlock, nextBlock: file.nextBlock },
      )
    }
    free = file.nextBlock
  }
  return { name, bigEndian, blocks, files }
}

function fileAt(view: DataView, bytes: Uint8Array, at: number, bigEndian: boolean): VolumeFile {
  const word = (offset: number): number => view.getUint16(at + offset, !bigEndian)
  return {
    name: nameAt(bytes, at + NAME, MAX_FILE_NAME),
    kind: FILE_KINDS[word(KIND) & 15] ?? 'unknown',
    firstBlock: word(FIRST_BLOCK),
    nextBlock: word(NEXT_BLOCK),
    lastBytes: word(LAST_BYTES),
    date: readDate(word(ACCESS_DATE)),
  }
}

function nameAt(bytes: Uint8Array, at: number, maxLength: number): string {
  const length = Math.min(bytes[at] as number, maxLength)
  return String.fromCharCode(
    ...bytes.subarray(at + 1, at + 1 + length).map(byte => (byte < 32 || byte > 126 ? 63 : byte)),
  )
}
