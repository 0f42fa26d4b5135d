import type { Variable } from '../analysis/symbols.ts'

/** Which variables have a value for certain, along the text of a routine. */
export class Definite {
  readonly #known = new Set<Variable>()
  #trail: Variable[] = []

  has(variable: Variable): boolean {
    return this.#known.has(variable)
  }

  add(variable: Variable): void {
    if (this.#known.has(variable)) return
    this.#known.add(variable)
    this.#trail.push(variable)
  }

  /** A variable has lost its value. */
  forget(variable: Variable): void {
    this.#known.delete(variable)
  }

  /** The place to go back to. */
  mark(): number {
    return this.#trail.length
  }

  /** Forgets what was learned since a mark, and gives it. */
  undo(mark: number): readonly Variable[] {
    const learned = this.#trail.splice(mark)
    for (const variable of learned) this.#known.delete(variable)
    return learned
  }

  /** Knows what every one of some branches has learned. */
  join(branches: readonly (readonly Variable[])[]): void {
    const [first, ...others] = branches
    for (const variable of first ?? []) if (others.every(branch => branch.includes(variable))) this.add(variable)
  }

  /** Forgets all: any statement may lead here. */
  clear(): void {
    this.undo(0)
  }
}
