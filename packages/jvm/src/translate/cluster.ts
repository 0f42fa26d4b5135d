import type { FunctionRef } from '@doppel/wasm'
import type { Method } from '../runtime/classes.ts'
import { survey } from './body.ts'
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
  /** The function whose code it is in, and bytes inlined into that. */
  readonly body: { bytes: number }
  /** Methods that it stands within, itself included, one for each call. */
  readonly within: readonly Method[]
}
/** What to do instead of a call through the code table: write the callee’s code there, or call a function of the module. */
export type Callee = { readonly inlined: MethodSource } | { readonly ref: FunctionRef }

/**
 * Limits of what is written in place of a call: bytes of bytecode in a callee, and in one that calls itself; how often
 * one method may stand within itself; bytes inlined into one function; calls one within the other.
 */
const MAX_INLINED_BYTES = 150
const MAX_RECURSIVE_BYTES = 40
const MAX_RECURSION = 2
const MAX_INLINED_IN_ALL = 2_000
const MAX_NESTING = 8

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
    this.#nodes.set(root.name, {
      level: 0,
      calls: new Set(),
      body: { bytes: 0 },
      within: root.method ? [root.method] : [],
    })
  }

  get root(): Method | undefined {
    return this.#root.method
  }
  /**
   * What stands for the call when `caller`, a member, calls `callee`; a function if it is to be `plain`; undefined when it
   * stays outside.
   */
  accept(caller: MethodSource, callee: Method, plain: boolean): Callee | undefined {
    const from = this.#nodes.get(caller.name)
    if (!from) return undefined
    const inlined = plain ? undefined : this.#inline(from, callee)
    if (inlined) return { inlined }
    const ref = callee === this.#root.method ? this.#rootRef : this.#member(caller, from, callee)
    return ref && { ref }
  }
  #member(caller: MethodSource, from: Node, callee: Method): FunctionRef | undefined {
    const known = this.#members.get(callee.id)
    if (known) {
      if (this.#reaches(known.name, caller.name)) return undefined
      from.calls.add(known.name)
      return known.ref
    }
    if (from.level >= MAX_LEVEL || this.#members.size >= MAX_MEMBERS) return undefined
    const source = this.#sourceOf(callee)
    if (!source || source.code.length > MAX_CALLEE_BYTES) return undefined
    if (this.#bytes + source.code.length > MAX_BYTES) return undefined
    this.#bytes += source.code.length
    const ref = this.#declare(source)
    this.#nodes.set(source.name, { level: from.level + 1, calls: new Set(), body: { bytes: 0 }, within: [callee] })
    from.calls.add(source.name)
    this.#queue.push({ source, ref })
    this.#members.set(callee.id, { name: source.name, ref })
    return ref
  }
  /** A small callee without loops, which would have to be entered anew by themselves. */
  #inline(from: Node, callee: Method): MethodSource | undefined {
    const { body, within } = from
    const bytes = callee.code?.bytes.length ?? Number.POSITIVE_INFINITY
    const again = within.filter(method => method === callee).length
    if (bytes > (again > 0 ? MAX_RECURSIVE_BYTES : MAX_INLINED_BYTES) || again > MAX_RECURSION) return undefined
    if (body.bytes + bytes > MAX_INLINED_IN_ALL || within.length > MAX_NESTING) return undefined
    const source = this.#sourceOf(callee)
    if (!source || survey(source).closed.size > 0) return undefined
    body.bytes += bytes
    this.#nodes.set(source.name, { level: from.level + 1, calls: new Set(), body, within: [...within, callee] })
    from.calls.add(source.name)
    return source
  }
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
