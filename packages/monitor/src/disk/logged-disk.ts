import { pieces } from './frozen-disk.ts'
import type { MachineDisk } from './machine-disk.ts'

/** A disk that can tell which chunks have been written. */
export interface LoggedDisk extends MachineDisk {
  /** Begins, or ends, to note what is written. */
  logWrites(isOn: boolean): void
  /** The chunks written since this was last called, or the log begun. */
  takeWritten(): readonly number[]
}

/** Notes the chunks that a disk's machine writes, for a copy that follows. */
export function loggedDisk(disk: MachineDisk): LoggedDisk {
  let written: Set<number> | undefined
  const note = (offset: number, lengthBytes: number): void => {
    if (written) for (const { chunk } of pieces(offset, lengthBytes)) written.add(chunk)
  }
  // Noted once more when it is done: a copy made meanwhile has the old bytes.
  const logged = async (offset: number, lengthBytes: number, change: () => Promise<void>): Promise<void> => {
    note(offset, lengthBytes)
    try {
      await change()
    } finally {
      note(offset, lengthBytes)
    }
  }
  return {
    sizeBytes: disk.sizeBytes,
    readOnly: disk.readOnly,
    read: (offset, into) => disk.read(offset, into),
    write: (offset, from) =>
      written ? logged(offset, from.length, () => disk.write(offset, from)) : disk.write(offset, from),
    discard: (offset, lengthBytes) =>
      written
        ? logged(offset, lengthBytes, () => disk.discard(offset, lengthBytes))
        : disk.discard(offset, lengthBytes),
    flush: () => disk.flush(),
    freeze: () => disk.freeze(),
    close: () => disk.close(),
    logWrites: isOn => {
      written = isOn ? new Set() : undefined
    },
    takeWritten: () => {
      const taken = [...(written ?? [])]
      written?.clear()
      return taken
    },
  }
}
