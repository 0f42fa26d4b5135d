import { BLOCK_BYTES, type DiskPort } from '../units/disk.ts'
import { DIRECTORY_BLOCK, LAST_BOOT } from './layout.ts'

/** A date as directories have it: years from 0 to 99. */
export interface VolumeDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** A date as a word: four bits of month, five of day, seven of year, the lowest first. */
export function dateWord({ year, month, day }: VolumeDate): number {
  return month | (day << 4) | ((year % 100) << 9)
}
/** What a word says; undefined where no date is set. */
export function readDate(word: number): VolumeDate | undefined {
  const date = { month: word & 15, day: (word >> 4) & 31, year: word >> 9 }
  return date.month >= 1 && date.month <= 12 && date.day > 0 && date.year < 100 ? date : undefined
}

/** The disk as if today's date had just been set by its system, which keeps it in the directory. */
export function datedDisk(disk: DiskPort, bigEndian: boolean, date: VolumeDate): DiskPort {
  const at = DIRECTORY_BLOCK * BLOCK_BYTES + LAST_BOOT
  const word = dateWord(date)
  const bytes = bigEndian ? [word >> 8, word & 0xff] : [word & 0xff, word >> 8]
  return {
    sizeBytes: disk.sizeBytes,
    readOnly: disk.readOnly,
    read(offset, into) {
      disk.read(offset, into)
      for (const [i, byte] of bytes.entries()) {
        const place = at + i - offset
        if (place >= 0 && place < into.length) into[place] = byte
      }
    },
    write: (offset, from) => disk.write(offset, from),
  }
}
