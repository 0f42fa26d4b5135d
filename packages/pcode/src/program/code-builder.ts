import { assert } from '@doppel/base'
import { CODE_WORDS, Field } from './program.ts'

/** A place in a routine's code, known once it is placed. */
export type Label = number

const INITIAL_INSTRUCTIONS = 64

/** Writes one routine's instructions; labels may be used before they are placed. */
export class CodeBuilder {
  #code = new Int32Array(INITIAL_INSTRUCTIONS * CODE_WORDS)
  #count = 0
  #line = 0
  readonly #places: number[] = []
  /** Pairs of word index and label, to fill in at the end. */
  readonly #uses: number[] = []

  readonly #later: (() => void)[] = []
  #positions = new Int32Array(INITIAL_INSTRUCTIONS)
  /** Where in the source the following instructions come from, as whoever writes them counts. */
  position = 0

  /** Instructions so far, which is the index of the next. */
  get length(): number {
    return this.#count
  }
  label(): Label {
    return this.#places.push(-1) - 1
  }
  /** Lets a label stand for the next instruction. */
  place(label: Label): void {
    assert(this.#places[label] === -1, `label ${label} has a place already`)
    this.#places[label] = this.#count
  }
  /** The instruction index of a placed label. */
  index(label: Label): number {
    const at = this.#places[label]
    assert(at !== undefined && at >= 0, `label ${label} has no place`)
    return at
  }
  /** Says which source line the following instructions come from. */
  line(line: number): void {
    this.#line = line
  }
  /** Appends an instruction; the index it has. */
  emit(row: number, p = 0, q = 0, r = 0): number {
    const at = this.#count * CODE_WORDS
    if (at === this.#code.length) {
      const grown = new Int32Array(at * 2)
      grown.set(this.#code)
      this.#code = grown
      const positions = new Int32Array(this.#count * 2)
      positions.set(this.#positions)
      this.#positions = positions
    }
    this.#positions[this.#count] = this.position
    this.#code[at + Field.row] = row
    this.#code[at + Field.p] = p
    this.#code[at + Field.q] = q
    this.#code[at + Field.r] = r
    this.#code[at + Field.line] = this.#line
    return this.#count++
  }
  /** Appends an instruction whose operand `q` is a label. */
  jump(row: number, label: Label, p = 0): number {
    const at = this.emit(row, p)
    this.#uses.push(at * CODE_WORDS + Field.q, label)
    return at
  }
  /** Changes an operand of an instruction. */
  patch(at: number, operand: 'p' | 'q' | 'r', value: number): void {
    this.#code[at * CODE_WORDS + Field[operand]] = value
  }
  /** Has something done once all labels are placed. */
  whenPlaced(act: () => void): void {
    this.#later.push(act)
  }
  /** The source position of each instruction. */
  positions(): Int32Array {
    return this.#positions.slice(0, this.#count)
  }
  /** The code, its labels resolved. */
  finish(): Int32Array {
    for (const act of this.#later.splice(0)) act()
    for (let i = 0; i < this.#uses.length; i += 2) {
      this.#code[this.#uses[i] as number] = this.index(this.#uses[i + 1] as number)
    }
    return this.#code.slice(0, this.#count * CODE_WORDS)
  }
}
