import { DoppelError } from '@doppel/base'
import { BLOCK_BYTES, type DiskPort } from '../units/disk.ts'
import { readDirectory } from './directory.ts'

/** Bytes of a diskette of 35 tracks of 16 sectors. */
const DISKETTE_BYTES = 143_360
const SECTOR_BYTES = 256
const TRACK_SECTORS = 16

/** Where images in the sector order of Apple's DOS 3.3 have the halves of blocks: p-System sector to DOS sector. */
const DOS_SECTORS: readonly number[] = [0, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 15]

/** An image as its volume is: in the order of blocks, found to be in that of DOS 3.3 only where it is a volume so. */
export function physicalDisk(disk: DiskPort): DiskPort {
  if (disk.sizeBytes !== DISKETTE_BYTES || isVolume(disk)) return disk
  const ordered = dosOrder(disk)
  return isVolume(ordered) ? ordered : disk
}

function isVolume(disk: DiskPort): boolean {
  try {
    readDirectory(disk)
    return true
  } catch (error) {
    if (error instanceof DoppelError) return false
    throw error
  }
}

function dosOrder(disk: DiskPort): DiskPort {
  const each = (offset: number, bytes: Uint8Array, access: (at: number, part: Uint8Array) => void): void => {
    for (let done = 0; done < bytes.length; ) {
      const sector = Math.floor((offset + done) / SECTOR_BYTES)
      const within = (offset + done) % SECTOR_BYTES
      const length = Math.min(SECTOR_BYTES - within, bytes.length - done)
      const track = sector - (sector % TRACK_SECTORS)
      const place = (track + (DOS_SECTORS[sector % TRACK_SECTORS] as number)) * SECTOR_BYTES + within
      access(place, bytes.subarray(done, done + length))
      done += length
    }
  }
  return {
    sizeBytes: disk.sizeBytes - (disk.sizeBytes % BLOCK_BYTES),
    readOnly: disk.readOnly,
    read: (offset, into) => each(offset, into, (at, part) => disk.read(at, part)),
    write: (offset, from) => each(offset, from, (at, part) => disk.write(at, part)),
  }
}
