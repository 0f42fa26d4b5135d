import type { FunctionBody } from '@doppel/wasm'

/** A translated region, apart from the page it is on. */
export interface SavedRegion extends FunctionBody {
  /** Offsets in the page: where it starts, what it was not to enter (or -1), and its blocks' bounds in pairs. */
  readonly root: number
  readonly barrier: number
  bounds: Int16Array
  /** The instructions' bytes between those bounds, one after another. */
  readonly guest: Uint8Array
  /** Translated to serve by itself what usually is left to the interpreter. */
  patient: boolean
}

/** The bytes of a page within bounds. */
export function bytesWithin(bounds: Int16Array, page: Uint8Array): Uint8Array {
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
