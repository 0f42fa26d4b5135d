import { CODE_WORDS, Field, LINE_BITS, type Program } from '../program/program.ts'

/** What a place in the code is to a debugger; bits. */
export const Mark = { start: 1, breakpoint: 2 } as const

const LINE_MASK = (1 << LINE_BITS) - 1

/** An instruction of a routine. */
export interface CodePlace {
  readonly routine: number
  readonly at: number
}

/** Where the lines of a program's source begin in its code. */
export class LineTable {
  readonly #program: Program
  /** For each routine, what each of its instructions is. */
  readonly marks: readonly Uint8Array[]
  /** For each file, where the code of each line begins. */
  readonly #lines: readonly Map<number, CodePlace[]>[]

  constructor(program: Program) {
    this.#program = program
    this.#lines = program.sources.map(() => new Map<number, CodePlace[]>())
    this.marks = program.routines.map(({ code }, routine) => {
      const marks = new Uint8Array(code.length / CODE_WORDS)
      for (let at = 0; at < marks.length; at++) {
        const word = this.word({ routine, at })
        if ((word & LINE_MASK) === 0 || (at > 0 && word === this.word({ routine, at: at - 1 }))) continue
        marks[at] = Mark.start
        const lines = this.#lines[word >>> LINE_BITS]
        const places = lines?.get(word & LINE_MASK)
        if (places) places.push({ routine, at })
        else lines?.set(word & LINE_MASK, [{ routine, at }])
      }
      return marks
    })
  }

  /** File and line of an instruction in one word, equal only for the same line. */
  word({ routine, at }: CodePlace): number {
    return this.#program.routines[routine]?.code[at * CODE_WORDS + Field.line] ?? 0
  }
  /** The first line from this one on that has code, and where it begins; undefined where there is none. */
  find(file: string, line: number): { readonly line: number; readonly places: readonly CodePlace[] } | undefined {
    const lines = this.#lines[this.#program.sources.indexOf(file)]
    if (!lines) return undefined
    const found = Math.min(...[...lines.keys()].filter(known => known >= line))
    const places = lines.get(found)
    return places && { line: found, places }
  }
  /** Where the first line of a routine begins. */
  entry(routine: number): CodePlace | undefined {
    const at = this.marks[routine]?.indexOf(Mark.start) ?? -1
    return at < 0 ? undefined : { routine, at }
  }
}
