import { type Signature, VALUE_BYTES, type ValueType } from '../program/program.ts'

/** Which procedures come to which parameters: tells what parameters a procedure has that is only ever a value. */
export class ProcedureFlow {
  /** What each place on the operand stack of the routine being scanned holds, if it is a procedure. */
  readonly #onStack = new Map<number, string>()
  /** From each procedure or parameter, the parameters it is passed as. */
  readonly #edges = new Map<string, string[]>()
  readonly #calls = new Map<string, Signature>()
  readonly #markBytes: number

  constructor(markBytes: number) {
    this.#markBytes = markBytes
  }

  /** A routine is pushed as a value, at this depth of the stack. */
  pushed(depth: number, routine: number): void {
    this.#onStack.set(depth, `routine ${routine}`)
  }
  /** The procedure in a frame of a routine is pushed. */
  loaded(depth: number, owner: number, offset: number): void {
    this.#onStack.set(depth, `${owner} ${offset}`)
  }
  /** A routine is called with these parameters, which begin at this depth of the stack. */
  passed(callee: number, params: readonly ValueType[], depth: number): void {
    let offset = -this.#markBytes
    params.forEach((type, i) => {
      offset -= VALUE_BYTES[type]
      const source = this.#onStack.get(depth + i)
      this.#onStack.delete(depth + i)
      if (source === undefined) return
      // Link and code: the pair is known by the lower of them, which was pushed last.
      const target = `${callee} ${offset - VALUE_BYTES.i}`
      const known = this.#edges.get(source)
      if (known) known.push(target)
      else this.#edges.set(source, [target])
    })
  }
  /** The procedure in a frame of a routine is called. */
  called(owner: number, offset: number, call: Signature): void {
    this.#calls.set(`${owner} ${offset}`, call)
  }
  /** A call that a routine comes to as a value. */
  callOf(routine: number): Signature | undefined {
    const seen = new Set<string>()
    const work = [`routine ${routine}`]
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      const call = this.#calls.get(at)
      if (call) return call
      if (seen.has(at)) continue
      seen.add(at)
      work.push(...(this.#edges.get(at) ?? []))
    }
    return undefined
  }
}
