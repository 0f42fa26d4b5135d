import type { SourceValue, SourceVariable } from '@doppel/base'

/** Numbers by which a client asks for the parts of what it was shown; they hold until the program runs. */
const MAX_HANDLES = 1 << 20
/** Parts that are given at once to a client that does not ask for a stretch of them. */
const MAX_PARTS = 1000

/** What has parts. */
export type Parts = (first: number, count: number) => readonly SourceVariable[]

/** What a client was shown and may open. */
export class Handles {
  #shown: Parts[] = []

  clear(): void {
    this.#shown = []
  }
  /** A number for what has parts. */
  of(parts: Parts): number {
    if (this.#shown.length === MAX_HANDLES) return 0
    return this.#shown.push(parts)
  }
  /** A number for a value; 0 for one without parts. */
  ofValue(value: SourceValue): number {
    return value.parts === 0 ? 0 : this.of((first, count) => value.part(first, count))
  }
  /** The parts behind a number; undefined for one that was never given. */
  parts(handle: number, first = 0, count = 0): readonly SourceVariable[] | undefined {
    return this.#shown[handle - 1]?.(first, Math.min(count === 0 ? MAX_PARTS : count, MAX_PARTS))
  }
}
