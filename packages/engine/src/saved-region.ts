import type { BranchHint, FunctionBody } from '@doppel/wasm'

/** A function's body as it is kept and sent: each hint is twice its offset, and one more where it is likely. */
export interface PackedBody {
  readonly code: Uint8Array
  readonly hints: Int32Array
}

/** Packs a body's hints. */
export function packBody({ code, hints }: FunctionBody): PackedBody {
  return { code, hints: Int32Array.from(hints, ({ offset, likely }) => offset * 2 + (likely ? 1 : 0)) }
}
/** The body that was packed. */
export function unpackBody({ code, hints }: PackedBody): FunctionBody {
  const unpacked = Array.from(hints, (packed): BranchHint => ({ offset: packed >>> 1, likely: (packed & 1) === 1 }))
  return { code, hints: unpacked }
}

/** A translated region, apart from the page it is on. */
export interface SavedRegion extends PackedBody {
  /** Offsets in the page: where it starts, what it was not to enter (or -1), and its blocks' bounds in pairs. */
  readonly root: number
  readonly barrier: number
  bounds: Int32Array
  /** The instructions' bytes between those bounds, one after another. */
  readonly guest: Uint8Array
  /** Translated to serve by itself what usually is left to the interpreter. */
  patient: boolean
}

/** The bytes of a page within bounds. */
export function bytesWithin(bounds: Int32Array, page: Uint8Array): Uint8Array {
  let length = 0
  for (let i = 0; i < bounds.length; i += 2) length += (bounds[i + 1] as number) - (bounds[i] as number)
  const bytes = new Uint8Array(length)
  let at = 0
  for (let i = 0; i < bounds.length; i += 2) {
    const piece = page.subarray(bounds[i], bounds[i + 1])
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Whether a page has the region's instructions. */
export function isIn({ bounds, guest }: SavedRegion, page: Uint8Array): boolean {
  let at = 0
  for (let i = 0; i < bounds.length; i += 2) {
    for (let offset = bounds[i] as number; offset < (bounds[i + 1] as number); offset++) {
      if (page[offset] !== guest[at++]) return false
    }
  }
  return at === guest.length
}
