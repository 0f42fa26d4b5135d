import { DoppelError } from '@doppel/base'
import { BLOCK_BYTES, type DiskPort, memoryDisk } from '../units/disk.ts'
import { dateWord, type VolumeDate } from './dated-disk.ts'
import { type Directory, readDirectory, type VolumeFile } from './directory.ts'
import {
  ACCESS_DATE,
  DIRECTORY_BLOCK,
  DIRECTORY_BLOCKS,
  ENTRY_BYTES,
  FILE_COUNT,
  FILE_KINDS,
  FIRST_BLOCK,
  KIND,
  LAST_BOOT,
  LAST_BYTES,
  MAX_FILE_NAME,
  MAX_FILES,
  MAX_VOLUME_NAME,
  NAME,
  NEXT_BLOCK,
  VOLUME_BLOCKS,
} from './layout.ts'

const MAX_BLOCKS = 0x7fff
const FIRST_FREE_BLOCK: number = DIRECTORY_BLOCK + DIRECTORY_BLOCKS

/** Kinds that the system goes by, by the ends of names. */
const KIND_BY_ENDING: ReadonlyMap<string, string> = new Map([
  ['.TEXT', 'text'],
  ['.BACK', 'text'],
  ['.CODE', 'code'],
  ['.INFO', 'info'],
  ['.GRAF', 'graf'],
  ['.FOTO', 'foto'],
])

/** The kind of file that a name says it is. */
export function kindOf(name: string): string {
  return KIND_BY_ENDING.get(/\.[A-Z]+$/.exec(name)?.[0] ?? '') ?? 'data'
}

/** A new volume without files. Throws `ucsd.volume-name`, `ucsd.volume-size`. */
export function emptyVolume(name: string, blocks: number, bigEndian: boolean): Uint8Array {
  checkName(name, MAX_VOLUME_NAME)
  if (!Number.isInteger(blocks) || blocks <= FIRST_FREE_BLOCK || blocks > MAX_BLOCKS) {
    throw new DoppelError('ucsd.volume-size', `${blocks} blocks; a volume has ${FIRST_FREE_BLOCK + 1} to ${MAX_BLOCKS}`)
  }
  const bytes = new Uint8Array(blocks * BLOCK_BYTES)
  writeDirectory(memoryDisk(bytes), { name, bigEndian, blocks, files: [] })
  return bytes
}

/** The bytes of a file. Throws `ucsd.volume-file` where the volume has none of this name. */
export function readVolumeFile(
  disk: DiskPort,
  name: string,
): { readonly file: VolumeFile; readonly bytes: Uint8Array } {
  const directory = readDirectory(disk)
  const file = directory.files.find(each => each.name === name.toUpperCase())
  if (file === undefined) {
    throw new DoppelError('ucsd.volume-file', `${directory.name}: has no file ${name.toUpperCase()}`, { name })
  }
  const length = Math.max(0, (file.nextBlock - file.firstBlock - 1) * BLOCK_BYTES + file.lastBytes)
  const offset = file.firstBlock * BLOCK_BYTES
  if (offset + length > disk.sizeBytes) {
    throw new DoppelError(
      'ucsd.volume-size',
      `${directory.name}:${file.name} ends at byte ${offset + length} of an image of ${disk.sizeBytes}`,
      { name },
    )
  }
  const bytes = new Uint8Array(length)
  disk.read(offset, bytes)
  return { file, bytes }
}

/**
 * Puts a file on a volume, in place of one of the same name, where there is first room for it. Throws `ucsd.volume-name`,
 * `ucsd.volume-full`.
 */
export function putVolumeFile(disk: DiskPort, name: string, bytes: Uint8Array, date?: VolumeDate): VolumeFile {
  const upper = name.toUpperCase()
  checkName(upper, MAX_FILE_NAME)
  const directory = readDirectory(disk)
  const others = directory.files.filter(file => file.name !== upper)
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK_BYTES))
  const firstBlock = roomFor(blocks, others, Math.min(directory.blocks, disk.sizeBytes / BLOCK_BYTES))
  if (firstBlock === undefined || others.length === MAX_FILES) {
    throw new DoppelError(
      'ucsd.volume-full',
      `${directory.name}: has no room for ${upper}, ${blocks} blocks in a row`,
      {
        name: upper,
        blocks,
      },
    )
  }
  const file: VolumeFile = {
    name: upper,
    kind: kindOf(upper),
    firstBlock,
    nextBlock: firstBlock + blocks,
    lastBytes: bytes.length - (blocks - 1) * BLOCK_BYTES,
    date,
  }
  const whole = new Uint8Array(blocks * BLOCK_BYTES)
  whole.set(bytes)
  disk.write(firstBlock * BLOCK_BYTES, whole)
  const files = [...others, file].sort((x, y) => x.firstBlock - y.firstBlock)
  writeDirectory(disk, { ...directory, files })
  return file
}

function roomFor(blocks: number, files: readonly VolumeFile[], end: number): number | undefined {
  let free = FIRST_FREE_BLOCK
  for (const file of files) {
    if (file.firstBlock - free >= blocks) return free
    free = file.nextBlock
  }
  return end - free >= blocks ? free : undefined
}

function checkName(name: string, maxLength: number): void {
  if (name.length > 0 && name.length <= maxLength && /^[!-~]+$/.test(name) && !/[a-z:=?,$*#[\]]/.test(name)) return
  throw new DoppelError(
    'ucsd.volume-name',
    `'${name}' is no name on a volume: up to ${maxLength} capital letters, digits, . - _ /`,
    { name },
  )
}

/** Writes a directory; what its words besides these say stays. */
function writeDirectory(disk: DiskPort, { name, bigEndian, blocks, files }: Directory): void {
  const bytes = new Uint8Array(DIRECTORY_BLOCKS * BLOCK_BYTES)
  const old = new Uint8Array(ENTRY_BYTES)
  disk.read(DIRECTORY_BLOCK * BLOCK_BYTES, old)
  bytes.set(old.subarray(LAST_BOOT), LAST_BOOT)
  const view = new DataView(bytes.buffer)
  const word = (at: number, value: number): void => view.setUint16(at, value, !bigEndian)
  const put = (at: number, text: string): void => {
    bytes[at] = text.length
    for (let i = 0; i < text.length; i++) bytes[at + 1 + i] = text.charCodeAt(i)
  }
  word(NEXT_BLOCK, FIRST_FREE_BLOCK)
  put(NAME, name)
  word(VOLUME_BLOCKS, blocks)
  word(FILE_COUNT, files.length)
  files.forEach((file, i) => {
    const at = (i + 1) * ENTRY_BYTES
    word(at + FIRST_BLOCK, file.firstBlock)
    word(at + NEXT_BLOCK, file.nextBlock)
    word(at + KIND, Math.max(0, FILE_KINDS.indexOf(file.kind)))
    put(at + NAME, file.name)
    word(at + LAST_BYTES, file.lastBytes)
    word(at + ACCESS_DATE, file.date ? dateWord(file.date) : 0)
  })
  disk.write(DIRECTORY_BLOCK * BLOCK_BYTES, bytes)
}
