import type { FunctionRef } from '@doppel/wasm'
import type { Method } from '../runtime/classes.ts'
import type { MethodSource } from './source.ts'

/** Limits of one cluster: bytes of bytecode in a callee and in all, functions, and calls from the root inwards. */
const MAX_CALLEE_BYTES = 325
const MAX_BYTES = 6_000
const MAX_MEMBERS = 60
const MAX_LEVEL = 7

/** A callee that is to be translated into the module. */
export interface Member {
  readonly source: MethodSource
  readonly ref: FunctionRef
}

interface Node {
  readonly level: number
  readonly calls: Set<string>
}

/** Copies of a recursive root that its calls of itself go through before they count again, and its size at most. */
const MAX_TWINS = 2
const MAX_TWIN_BYTES = 150

/**
 * A hot method and the methods it calls, translated into one module so that the engine can inline them. Calls among
 * members form no cycle but through the root, so that only the root counts stack depth.
 */
export class Cluster {
  readonly #root: MethodSource
  readonly #rootRef: FunctionRef | undefined
  readonly #nodes = new Map<string, Node>()
  /** Members by the method, each under its function’s name. */
  readonly #members = new Map<number, { readonly name: string; readonly ref: FunctionRef }>()
  readonly #twins: string[] = []
  readonly #queue: Member[] = []
  readonly #sourceOf: (method: Method) => MethodSource | undefined
  readonly #declare: (source: MethodSource) => FunctionRef
  #bytes = 0

  /** `rootRef` is undefined when the root begins inside a loop, so that calling the method must not reach it. */
  constructor(
    root: MethodSource,
    rootRef: FunctionRef | undefined,
    sourceOf: (method: Method) => MethodSource | undefined,
    declare: (source: MethodSource) => FunctionRef,
  ) {
    this.#root = root
    this.#rootRef = rootRef
    this.#sourceOf = sourceOf
    this.#declare = declare
    this.#nodes.set(root.name, { level: 0, calls: new Set() })
  }

  get root(): Method | undefined {
    return this.#root.method
  }
  /** The function to call when `caller`, a member, calls `callee`; undefined when it stays outside. */
  accept(caller: MethodSource, callee: Method): FunctionRef | undefined {
    if (callee === this.#root.method) return this.#again(caller)
    const from = this.#nodes.get(caller.name)
    if (!from) return undefined
    const known = this.#members.get(callee.id)
    if (known) {
      if (this.#reaches(known.name, caller.name)) return undefined
      from.calls.add(known.name)
      return known.ref
    }
    if (from.level >= MAX_LEVEL || this.#members.size >= MAX_MEMBERS) return undefined
    const source = this.#sourceOf(callee)
    if (!source || source.code.length > MAX_CALLEE_BYTES) return undefined
    return this.#add(source, from, ref => this.#members.set(callee.id, { name: source.name, ref }))
  }
  #add(source: MethodSource, from: Node, keep: (ref: FunctionRef) => void): FunctionRef | undefined {
    if (this.#bytes + source.code.length > MAX_BYTES) return undefined
    this.#bytes += source.code.length
    const ref = this.#declare(source)
    this.#nodes.set(source.name, { level: from.level + 1, calls: new Set() })
    from.calls.add(source.name)
    this.#queue.push({ source, ref })
    keep(ref)
    return ref
  }
  /** A call of the root: by way of copies, one for all such calls of a caller, that count neither calls nor stack. */
  #again(caller: MethodSource): FunctionRef | undefined {
    const known = this.#twinOf.get(caller.name)
    if (known) return known
    const from = this.#nodes.get(caller.name)
    const fromRoot = caller === this.#root || this.#twins.includes(caller.name)
    const more = fromRoot && this.#twins.length < MAX_TWINS && this.#root.code.length <= MAX_TWIN_BYTES
    const source = more && this.#rootRef && from ? this.#sourceOf(this.#root.method as Method) : undefined
    if (!source || !from) return this.#rootRef
    this.#twins.push(source.name)
    return this.#add(source, from, ref => this.#twinOf.set(caller.name, ref))
  }
  readonly #twinOf = new Map<string, FunctionRef>()
  /** The next member whose body is still to be made. */
  next(): Member | undefined {
    return this.#queue.shift()
  }
  /** How many calls lie between the root and a member. */
  levelOf(member: MethodSource): number {
    return this.#nodes.get(member.name)?.level ?? 0
  }
  #reaches(from: string, to: string): boolean {
    if (from === to) return true
    for (const next of (this.#nodes.get(from) as Node).calls) if (this.#reaches(next, to)) return true
    return false
  }
}
