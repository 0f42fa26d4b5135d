import type { Variable as FrameVariable, ValueType } from '../../program/program.ts'
import { VALUE_BYTES } from '../../program/program.ts'
import type { TypeSymbol } from '../../program/type-symbol.ts'
import { roundUp } from './storage.ts'

const UNKNOWN: TypeSymbol = { kind: 'unknown' }

/** The objects of a frame, or the globals, and their offsets. */
export class Frame {
  #bytes = 0
  readonly variables: FrameVariable[] = []
  /** Temporaries that are free, by their bytes. */
  readonly #free = new Map<number, number[]>()
  readonly #rooms = new Map<number, number[]>()

  get bytes(): number {
    return roundUp(this.#bytes, 8)
  }

  /** A place for an object. */
  add(name: string, bytes: number, align: number, type: TypeSymbol = UNKNOWN): number {
    const offset = roundUp(this.#bytes, align)
    this.#bytes = offset + bytes
    this.variables.push({ name, offset, bytes, type })
    return offset
  }

  /** Room for so many bytes; give it back with `giveBack`. */
  room(bytes: number): number {
    return this.#rooms.get(bytes)?.pop() ?? this.add('', bytes, 4)
  }

  giveBack(bytes: number, offset: number): void {
    const free = this.#rooms.get(bytes)
    if (free) free.push(offset)
    else this.#rooms.set(bytes, [offset])
  }

  /** A temporary; give it back with `release`. */
  temporary(type: ValueType): number {
    const bytes = VALUE_BYTES[type]
    return this.#free.get(bytes)?.pop() ?? this.add('', bytes, Math.min(bytes, 8))
  }

  release(type: ValueType, offset: number): void {
    const bytes = VALUE_BYTES[type]
    const free = this.#free.get(bytes)
    if (free) free.push(offset)
    else this.#free.set(bytes, [offset])
  }
}
