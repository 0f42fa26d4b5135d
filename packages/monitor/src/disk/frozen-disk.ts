/** Disks are kept and copied in pieces of this size: a usual file system's block, and a page of a snapshot. */
export const CHUNK_BYTES = 4096

/** A disk image that a disk was made from, as it was then: a snapshot refers to it in place of holding its bytes. */
export interface DiskImageFile {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedNs: bigint
}

/**
 * A disk's content at one moment; it does not change, and any number of machines may go on from it. Its maker holds it
 * from the beginning; everyone else who keeps it calls `retain`, and each of them `release` once.
 */
export interface FrozenDisk {
  readonly sizeBytes: number
  /** What the chunks that are not in `ownChunks` are in; they are zeros when there is none. */
  readonly file: DiskImageFile | undefined
  /** The chunks that a snapshot has to hold, in ascending order. */
  ownChunks(): Iterable<number>
  /** Fills all of `into`; bytes past the end are zeros. Rejects with a DoppelError when the medium fails. */
  read(offset: number, into: Uint8Array): Promise<void>
  retain(): void
  release(): Promise<void>
}

/** Counts who needs something, and gives it back with the last of them. */
export class Holders {
  readonly #last: () => Promise<void>
  #count = 1

  constructor(last: () => Promise<void>) {
    this.#last = last
  }
  readonly retain = (): void => {
    this.#count++
  }
  readonly release = async (): Promise<void> => {
    this.#count--
    if (this.#count === 0) await this.#last()
  }
}

/** Cuts a byte range at chunk borders: which chunk, where in it, and where in the caller's buffer. */
export function* pieces(
  offset: number,
  lengthBytes: number,
): Generator<{ readonly chunk: number; readonly within: number; readonly at: number; readonly length: number }> {
  for (let at = 0; at < lengthBytes; ) {
    const within = (offset + at) % CHUNK_BYTES
    const length = Math.min(CHUNK_BYTES - within, lengthBytes - at)
    yield { chunk: Math.floor((offset + at) / CHUNK_BYTES), within, at, length }
    at += length
  }
}

/**
 * Reads a range, each chunk from memory where `kept` has it and from `base` where not, with one call for neighbours.
 */
export async function readOver(
  kept: (chunk: number) => Uint8Array | undefined,
  base: Pick<FrozenDisk, 'read'>,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  let plainFrom = 0
  const readPlain = async (to: number): Promise<void> => {
    if (to > plainFrom) await base.read(offset + plainFrom, into.subarray(plainFrom, to))
  }
  for (const { chunk, within, at, length } of pieces(offset, into.length)) {
    const bytes = kept(chunk)
    if (!bytes) continue
    await readPlain(at)
    into.set(bytes.subarray(within, within + length), at)
    plainFrom = at + length
  }
  await readPlain(into.length)
}
