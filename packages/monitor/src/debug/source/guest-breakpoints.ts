import { type DebugTarget, DoppelError, type PlacedBreakpoint, type SourceBreakpoint } from '@doppel/base'
import { type CExpression, readCExpression } from './c-expression.ts'
import type { CodeIndex } from './code-index.ts'

/** A breakpoint at addresses. */
export interface CodeBreakpoint {
  readonly addresses: readonly bigint[]
  readonly condition: CExpression | undefined
  readonly hits: number
  /** What is told in place of stopping: text and expressions in turn. */
  readonly message: readonly (string | CExpression)[] | undefined
  arrivals: number
}

/** Breakpoints of lines, functions and addresses, and those of a step under way. */
export class GuestBreakpoints {
  readonly #target: DebugTarget
  readonly #index: CodeIndex
  readonly #ofFiles = new Map<string, readonly CodeBreakpoint[]>()
  #ofRoutines: readonly bigint[] = []
  #ofInstructions: readonly bigint[] = []
  #ofStep: readonly bigint[] = []
  readonly #placed = new Set<bigint>()

  constructor(target: DebugTarget, index: CodeIndex) {
    this.#target = target
    this.#index = index
  }
  setOf(file: string, wanted: readonly SourceBreakpoint[]): readonly PlacedBreakpoint[] {
    const read: CodeBreakpoint[] = []
    const told = wanted.map((breakpoint): PlacedBreakpoint => {
      const found = this.#index.find(file, breakpoint.line)
      if (!found) return { line: undefined }
      try {
        read.push(readBreakpoint(breakpoint, found.addresses))
      } catch (error) {
        if (error instanceof DoppelError) return { line: undefined, problem: error.message }
        throw error
      }
      return { line: found.line }
    })
    this.#ofFiles.set(file, read)
    this.#place()
    return told
  }
  set ofRoutines(addresses: readonly bigint[]) {
    this.#ofRoutines = addresses
    this.#place()
  }
  set ofInstructions(addresses: readonly bigint[]) {
    this.#ofInstructions = addresses
    this.#place()
  }
  /** Those that only a step under way is to stop at. */
  set ofStep(addresses: readonly bigint[]) {
    this.#ofStep = addresses
    this.#place()
  }
  isOfStep(address: bigint): boolean {
    return this.#ofStep.includes(address)
  }
  isPlaced(address: bigint): boolean {
    return this.#placed.has(address)
  }
  /** Those of lines at an address, and whether it is one to stop at in any case. */
  at(address: bigint): { readonly lines: readonly CodeBreakpoint[]; readonly always: boolean } {
    return {
      lines: [...this.#ofFiles.values()].flat().filter(({ addresses }) => addresses.includes(address)),
      always: this.#ofRoutines.includes(address) || this.#ofInstructions.includes(address),
    }
  }
  /** Takes all away. */
  clear(): void {
    this.#ofFiles.clear()
    this.#ofRoutines = this.#ofInstructions = this.#ofStep = []
    this.#place()
  }

  #place(): void {
    const lines = [...this.#ofFiles.values()].flat().flatMap(({ addresses }) => addresses)
    const wanted = new Set([...lines, ...this.#ofRoutines, ...this.#ofInstructions, ...this.#ofStep])
    for (const address of this.#placed) {
      if (wanted.has(address)) continue
      this.#target.clearBreakpoint(address)
      this.#placed.delete(address)
    }
    for (const address of wanted) {
      if (this.#placed.has(address)) continue
      this.#target.setBreakpoint(0, address)
      this.#placed.add(address)
    }
  }
}

/** Throws `debug.expression`. */
function readBreakpoint(
  { condition, hits = 1, message }: SourceBreakpoint,
  addresses: readonly bigint[],
): CodeBreakpoint {
  return {
    addresses,
    condition: condition === undefined || condition === '' ? undefined : readCExpression(condition),
    hits,
    message: message === undefined || message === '' ? undefined : readMessage(message),
    arrivals: 0,
  }
}
/** Splits `text {expression} text`. Throws `debug.expression`. */
function readMessage(text: string): readonly (string | CExpression)[] {
  return text.split(/\{([^{}]*)\}/).map((piece, i) => (i % 2 === 0 ? piece : readCExpression(piece)))
}
