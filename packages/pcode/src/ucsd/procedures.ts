import { Attribute } from './frame.ts'

/** A procedure of a segment, by its attribute table. Addresses are byte offsets in the segment. */
export interface SegmentProcedure {
  readonly number: number
  /** True for one in the code of some processor, of which nothing more is known. */
  readonly isNative: boolean
  readonly level: number
  readonly parameterBytes: number
  readonly dataBytes: number
  readonly enter: number
  readonly exit: number
  /** Where its attribute table is; code ends before it. */
  readonly table: number
}

/** What the last word of a segment's code says. */
export interface SegmentProcedures {
  readonly number: number
  /** By number; undefined where the dictionary leads out of the segment. */
  readonly procedures: readonly (SegmentProcedure | undefined)[]
}

/** Reads the procedure dictionary at the end of a segment's code. */
export function readProcedures(code: Uint8Array, bigEndian: boolean): SegmentProcedures {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const isWord = (offset: number): boolean => offset >= 0 && offset + 2 <= code.length
  const word = (offset: number): number => (isWord(offset) ? view.getUint16(offset, !bigEndian) : 0)
  const end = (code.length & ~1) - 2
  const last = word(end)
  const pointedFrom = (offset: number): number => offset - word(offset)
  const procedures = Array.from({ length: last >> 8 }, (_, i) => {
    const entry = end - 2 * (i + 1)
    const table = pointedFrom(entry)
    if (!isWord(entry) || !isWord(table) || !isWord(table + Attribute.dataBytes)) return undefined
    const enter = pointedFrom(table + Attribute.enter)
    if (enter < 0 || enter > table) return undefined
    return {
      number: i + 1,
      isNative: (word(table) & 0xff) === 0,
      level: (word(table) << 16) >> 24,
      parameterBytes: word(table + Attribute.parameterBytes),
      dataBytes: word(table + Attribute.dataBytes),
      enter,
      exit: pointedFrom(table + Attribute.exit),
      table,
    }
  })
  return { number: last & 0xff, procedures }
}
