import { JavaProblem } from '../problem.ts'

/** The numbers by which compiled code names a class and its parts. */
export interface ClassPlaces {
  readonly id: number
  /** The first method’s place in the code table. */
  readonly methods: number
  /** The Class object’s place in the table of references; static fields that are references follow. */
  readonly references: number
  /** The address of the other static fields, eight bytes each; a counter of four bytes for each method follows. */
  readonly statics: number
}

/** How much of each a class has. */
export interface ClassSizes {
  readonly methods: number
  readonly references: number
  readonly statics: number
}

/** The first numbers that nothing has yet. */
export interface Unused {
  readonly classes: number
  readonly code: number
  readonly references: number
  readonly bytes: number
  readonly loops: number
}

/** Bytes of memory whose addresses may stand in code that outlives the machine: static fields, counters. */
export const PLACES_BYTES: number = 16 << 20
/** Table entry 0 of code is never called; reference 0 is the current thread. */
const START: Unused = { classes: 0, code: 1, references: 1, bytes: 0, loops: 0 }

/** Gives out the numbers that compiled code holds. They only grow; what an archive has used before is skipped. */
export class Places {
  readonly #base: number
  #next: { -readonly [K in keyof Unused]: number }

  /** Memory is given out from address `base` on. */
  constructor(base: number, start: Unused = START) {
    this.#base = base
    this.#next = { ...start }
  }
  get unused(): Unused {
    return { ...this.#next }
  }
  /** Throws OutOfMemoryError when memory is used up. */
  forClass({ methods, references, statics }: ClassSizes): ClassPlaces {
    return {
      id: this.#next.classes++,
      methods: this.code(methods),
      references: this.references(references + 1),
      statics: this.memory(statics * 8 + methods * 4),
    }
  }
  /** Places in the code table. */
  code(count: number): number {
    return this.#take('code', count)
  }
  /** Places in the table of references. */
  references(count: number): number {
    return this.#take('references', count)
  }
  /** The number of a loop. */
  loop(): number {
    return this.#take('loops', 1)
  }
  /** Words, all zero, aligned to eight bytes. */
  memory(bytes: number): number {
    const at = this.#take('bytes', Math.ceil(bytes / 8) * 8)
    if (this.#next.bytes > PLACES_BYTES) throw new JavaProblem('java/lang/OutOfMemoryError', 'Metaspace')
    return this.#base + at
  }
  #take(what: keyof Unused, count: number): number {
    const first = this.#next[what]
    this.#next[what] += count
    return first
  }
}
