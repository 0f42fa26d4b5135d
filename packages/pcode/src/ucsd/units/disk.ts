/** Bytes of a block. */
export const BLOCK_BYTES = 512

/** A disk as the p-System sees it; whoever calls keeps within its size. */
export interface DiskPort {
  readonly sizeBytes: number
  readonly readOnly: boolean
  /** Fills all of `into`. */
  read(offset: number, into: Uint8Array): void
  write(offset: number, from: Uint8Array): void
}

/** A disk in memory: it changes the bytes given. */
export function memoryDisk(bytes: Uint8Array, readOnly = false): DiskPort {
  return {
    sizeBytes: bytes.length,
    readOnly,
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
    write: (offset, from) => bytes.set(from, offset),
  }
}
