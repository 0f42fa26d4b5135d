import { editDistance } from '../edit-distance.ts'
import type { Diagnostics, Span } from '../diagnostics.ts'
import type { Sources } from '../source.ts'
import type { Names } from '../syntax/names.ts'
import type { Name } from '../syntax/tree.ts'
import type { Binding, Entity } from './symbols.ts'

/** A region that identifiers are defined in: a block, or the formal parameters with the block after them. */
export interface Scope {
  readonly outer: Scope | undefined
  readonly bindings: { readonly id: number; readonly binding: Binding }[]
  /** Identifiers used here with a meaning from outside, and where first. */
  readonly usedFromOutside: Map<number, Span>
}

/** The identifiers visible at the place that is looked at (ISO 7185 §6.2.2). */
export class Scopes {
  readonly #names: Names
  readonly #sources: Sources
  readonly #diagnostics: Diagnostics
  /** By name number, the innermost binding. */
  readonly #visible: (Binding | undefined)[] = []
  #current: Scope | undefined

  constructor(names: Names, sources: Sources, diagnostics: Diagnostics) {
    this.#names = names
    this.#sources = sources
    this.#diagnostics = diagnostics
  }

  get current(): Scope {
    return this.#current as Scope
  }

  /** Begins a scope in the current one. */
  open(): Scope {
    this.#current = { outer: this.#current, bindings: [], usedFromOutside: new Map() }
    return this.#current
  }

  /** Makes a closed scope current again: a forward routine’s parameters, for its block. */
  reopen(scope: Scope): void {
    const again: Scope = { outer: this.#current, bindings: [], usedFromOutside: new Map() }
    this.#current = again
    for (const { id, binding } of scope.bindings) {
      const moved: Binding = { ...binding, scope: again, outer: this.#visible[id], notedBy: undefined }
      again.bindings.push({ id, binding: moved })
      this.#visible[id] = moved
    }
  }

  /** Ends the current scope. */
  close(): void {
    const scope = this.current
    for (let i = scope.bindings.length - 1; i >= 0; i--) {
      const { id, binding } = scope.bindings[i] as Scope['bindings'][number]
      this.#visible[id] = binding.outer
    }
    this.#current = scope.outer
  }

  /** Defines an identifier; reports one that the scope has, or has used otherwise before (§6.2.2.7, §6.2.2.9). */
  define(name: Name, entity: Entity, isReady = true): Binding {
    const scope = this.current
    const outer = this.#visible[name.id]
    const binding: Binding = {
      name: this.#names.text(name.id),
      span: name,
      entity,
      isReady,
      scope,
      outer,
      notedBy: undefined,
    }
    if (name.id < 0) return binding
    // What was used without a definition stands as unknown; the definition that comes late is taken after all.
    if (outer !== undefined && outer.scope === scope && outer.entity.kind !== 'unknown') {
      this.#diagnostics.report('redeclared', name, [this.quote(name), this.#line(outer.span)])
      return binding
    }
    const used = scope.usedFromOutside.get(name.id)
    if (used !== undefined) this.#diagnostics.report('used-before', name, [this.quote(name), this.#line(used)])
    scope.bindings.push({ id: name.id, binding })
    this.#visible[name.id] = binding
    return binding
  }

  /** What an identifier denotes here; the use counts for §6.2.2.9. Undefined where it denotes nothing. */
  find(name: Name): Binding | undefined {
    const binding = this.#visible[name.id]
    if (binding !== undefined && binding.scope !== this.#current && binding.notedBy !== this.#current) {
      binding.notedBy = this.#current
      for (let scope = this.#current; scope !== undefined && scope !== binding.scope; scope = scope.outer) {
        if (!scope.usedFromOutside.has(name.id)) scope.usedFromOutside.set(name.id, name)
      }
    }
    return binding
  }

  /** What an identifier denotes here, without the use counting. */
  peek(id: number): Binding | undefined {
    return this.#visible[id]
  }

  /** The identifier as the program spells it, in quotes. */
  quote(name: Name): string {
    return `'${this.#sources.slice(name.pos, name.end)}'`
  }

  /** A visible identifier that is spelled nearly so. */
  similar(name: Name): string | undefined {
    const wanted = this.#names.text(name.id)
    let best: string | undefined
    let bestDistance = wanted.length > 5 ? 3 : wanted.length > 2 ? 2 : 1
    for (let id = 0; id < this.#visible.length; id++) {
      const binding = this.#visible[id]
      if (binding === undefined || binding.entity.kind === 'unknown') continue
      const distance = editDistance(wanted, binding.name, bestDistance)
      if (distance < bestDistance) {
        bestDistance = distance
        best = binding.name
      }
    }
    return best
  }

  #line(span: Span): number {
    return this.#sources.locate(span.pos).line
  }
}
