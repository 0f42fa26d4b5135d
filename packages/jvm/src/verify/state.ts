import { isWide, TOP, type VType } from './types.ts'

/** What the verifier knows at one instruction: a type for each variable and each stack entry (JVMS §4.10.1.1). */
export class TypeState {
  /** One entry a word: a long or double is followed by `j` or `d`. */
  locals: VType[]
  /** One entry a value. */
  stack: VType[]
  /** In a constructor, true until another one has been called on `this`. */
  thisUninitialized: boolean
  /** Variables assigned since each subroutine, by its start, was entered; for files with subroutines. */
  assigned: ReadonlyMap<number, ReadonlySet<number>>

  constructor(
    locals: VType[],
    stack: VType[],
    thisUninitialized: boolean,
    assigned: ReadonlyMap<number, ReadonlySet<number>> = NONE,
  ) {
    this.locals = locals
    this.stack = stack
    this.thisUninitialized = thisUninitialized
    this.assigned = assigned
  }
  copy(): TypeState {
    return new TypeState([...this.locals], [...this.stack], this.thisUninitialized, this.assigned)
  }
  /** Words that the stack takes. */
  get depth(): number {
    let depth = 0
    for (const type of this.stack) depth += isWide(type) ? 2 : 1
    return depth
  }
  /** Assigns a variable; a long or double that it cuts in two is gone. */
  setLocal(index: number, type: VType): void {
    const cut = (at: number): void => {
      const old = this.locals[at]
      if (old === 'j' || old === 'd') this.locals[at - 1] = TOP
      if (old !== undefined && isWide(old)) this.locals[at + 1] = TOP
    }
    while (this.locals.length < index) this.locals.push(TOP)
    cut(index)
    if (isWide(type)) {
      cut(index + 1)
      this.locals[index + 1] = type.toLowerCase()
    }
    this.locals[index] = type
    if (this.assigned.size > 0) {
      const words = isWide(type) ? [index, index + 1] : [index]
      this.assigned = new Map([...this.assigned].map(([start, set]) => [start, new Set([...set, ...words])]))
    }
  }
  /** Everything of one uninitialized type becomes another. */
  replace(from: VType, to: VType): void {
    this.locals = this.locals.map(type => (type === from ? to : type))
    this.stack = this.stack.map(type => (type === from ? to : type))
  }
}
const NONE: ReadonlyMap<number, ReadonlySet<number>> = new Map()
