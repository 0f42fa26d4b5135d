/** What a noted index counts, and how it is encoded. */
export const RelocationKind = { type: 0, signedType: 1, function: 2 } as const

/** Bytes that a noted index takes, whatever its value: LEB128 may be longer than it must be (Core spec §5.2.2). */
export const RELOCATED_BYTES = 3
/** Indices must stay below this, so that the signed encoding holds them too. */
const MAX_INDEX = 1 << 20

/** Writes an index in exactly `RELOCATED_BYTES` bytes, good as signed and as unsigned number. */
export function writePadded(bytes: Uint8Array, at: number, index: number): void {
  if (index >= MAX_INDEX) throw new RangeError(`index ${index} does not fit ${RELOCATED_BYTES} bytes`)
  bytes[at] = (index & 127) | 128
  bytes[at + 1] = ((index >> 7) & 127) | 128
  bytes[at + 2] = (index >> 14) & 63
}

/** Where a function’s code names types and functions that have other numbers in another module. */
export class Relocations {
  readonly #firstType: number
  readonly #firstFunction: number
  /** Pairs: the offset in the code times four plus its kind, and the index. */
  readonly noted: number[] = []

  /** Types and functions below these numbers are the same in every module concerned. */
  constructor(firstType: number, firstFunction: number) {
    this.#firstType = firstType
    this.#firstFunction = firstFunction
  }

  /** Notes an index; false when it needs no note. */
  note(offset: number, kind: number, index: number): boolean {
    if (index < (kind === RelocationKind.function ? this.#firstFunction : this.#firstType)) return false
    this.noted.push(offset * 4 + kind, index)
    return true
  }
}

/** A copy of the code in which noted indices are what `type` and `fn` make of them. */
export function relocate(
  code: Uint8Array,
  noted: readonly number[],
  type: (index: number) => number,
  fn: (index: number) => number,
): Uint8Array {
  const copy = code.slice()
  for (let i = 0; i < noted.length; i += 2) {
    const [where, index] = [noted[i] as number, noted[i + 1] as number]
    writePadded(copy, where >> 2, (where & 3) === RelocationKind.function ? fn(index) : type(index))
  }
  return copy
}
