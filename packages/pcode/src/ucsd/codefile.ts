import { DoppelError } from '@doppel/base'
import { BLOCK_BYTES } from './units/disk.ts'

/** Places for segments in a codefile. */
const SLOTS = 16
const NAME_LETTERS = 8
/** Byte offsets in the dictionary (II.0, “Code file format”), and in what II.1 has added. */
const NAMES = 64
const KINDS = 192
const TEXT_BLOCKS = 224
const INFOS = 256
const COMMENT = 432
const MAX_COMMENT = 79

/** Kinds of segments by their numbers. */
export const SEGMENT_KINDS: readonly string[] = [
  'LINKED',
  'HOSTSEG',
  'SEGPROC',
  'UNITSEG',
  'SEPRTSEG',
  'UNLINKED_INTRINS',
  'LINKED_INTRINS',
  'DATASEG',
]

/** One entry of a segment dictionary that is in use. */
export interface CodeSegment {
  readonly slot: number
  /** What it is called by; the slot where the file does not say. */
  readonly number: number
  readonly name: string
  readonly kind: string
  /** The block of the file that the code begins in; 0 for a data segment or a unit that is only named. */
  readonly codeBlock: number
  readonly lengthBytes: number
  /** The block that the text of a unit's interface begins in, or 0. */
  readonly textBlock: number
}

/** A codefile whose dictionary has been checked against its length. */
export interface Codefile {
  readonly bigEndian: boolean
  readonly comment: string
  readonly segments: readonly CodeSegment[]
  /** The code of a segment; empty where it has none in this file. */
  readonly code: (segment: CodeSegment) => Uint8Array
}

/** Reads a segment dictionary, a block, of known byte sex. Throws `ucsd.codefile-dictionary`. */
export function readSegmentDictionary(block: Uint8Array, bigEndian: boolean): CodeSegment[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const word = (offset: number): number => view.getUint16(offset, !bigEndian)
  // The field for numbers came with II.1: where nothing is there, the slot is the number.
  const hasInfos = Array.from({ length: SLOTS }, (_, slot) => word(INFOS + 2 * slot)).some(info => info !== 0)
  const segments: CodeSegment[] = []
  for (let slot = 0; slot < SLOTS; slot++) {
    const kind = SEGMENT_KINDS[word(KINDS + 2 * slot)]
    const name = text(block, NAMES + NAME_LETTERS * slot, NAME_LETTERS).trimEnd()
    const lengthBytes = word(4 * slot + 2)
    if (name === '' && lengthBytes === 0) continue
    if (kind === undefined) {
      throw new DoppelError(
        'ucsd.codefile-dictionary',
        `slot ${slot} of the segment dictionary, ${name}, is of kind ${word(KINDS + 2 * slot)}; there are kinds 0 to ${SEGMENT_KINDS.length - 1}`,
        { slot, kind: word(KINDS + 2 * slot) },
      )
    }
    segments.push({
      slot,
      number: hasInfos ? word(INFOS + 2 * slot) & 0xff : slot,
      name,
      kind,
      codeBlock: word(4 * slot),
      lengthBytes,
      textBlock: word(TEXT_BLOCKS + 2 * slot),
    })
  }
  return segments
}

/**
 * Reads a codefile, of either byte sex. Throws `ucsd.codefile-…` where its dictionary is none, or names what is not in
 * the file.
 */
export function readCodefile(bytes: Uint8Array): Codefile {
  if (bytes.length < 2 * BLOCK_BYTES) {
    throw new DoppelError(
      'ucsd.codefile-size',
      `the file has ${bytes.length} bytes; a codefile has a segment dictionary and code, ${2 * BLOCK_BYTES} at least`,
      { sizeBytes: bytes.length },
    )
  }
  const block = bytes.subarray(0, BLOCK_BYTES)
  let first: unknown
  for (const bigEndian of [false, true]) {
    try {
      const segments = readSegmentDictionary(block, bigEndian)
      checkPlaces(segments, bytes.length)
      const code = ({ codeBlock, lengthBytes }: CodeSegment): Uint8Array =>
        codeBlock === 0
          ? new Uint8Array()
          : bytes.subarray(codeBlock * BLOCK_BYTES, codeBlock * BLOCK_BYTES + lengthBytes)
      const comment = text(block, COMMENT + 1, Math.min(block[COMMENT] as number, MAX_COMMENT))
      return { bigEndian, comment, segments, code }
    } catch (error) {
      if (!(error instanceof DoppelError)) throw error
      first ??= error
    }
  }
  throw first
}

function checkPlaces(segments: readonly CodeSegment[], sizeBytes: number): void {
  if (segments.length === 0) {
    throw new DoppelError('ucsd.codefile-dictionary', 'the segment dictionary is empty: this is no codefile')
  }
  for (const { slot, name, codeBlock, lengthBytes } of segments) {
    const end = codeBlock * BLOCK_BYTES + lengthBytes
    if (codeBlock === 0 || (end <= sizeBytes && lengthBytes >= 2)) continue
    throw new DoppelError(
      'ucsd.codefile-segment',
      `slot ${slot} of the segment dictionary, ${name}, ends at byte ${end} of a file of ${sizeBytes}`,
      { slot, end, sizeBytes },
    )
  }
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length).map(byte => (byte < 32 || byte > 126 ? 32 : byte)))
}
