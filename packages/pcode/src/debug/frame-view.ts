import type { SourceScope, SourceVariable } from '@doppel/base'
import type { Interpreter } from '../interpret/interpreter.ts'
import type { Runtime } from '../machine/runtime.ts'
import type { Variable } from '../program/program.ts'
import type { TypeSymbol } from '../program/type-symbol.ts'
import type { Place } from './datum.ts'
import type { NamesInScope } from './evaluate.ts'
import { type Assign, ShownValue } from './shown-value.ts'

/** The variables that a block declares, and where they are. */
interface Block {
  readonly name: string
  readonly places: ReadonlyMap<string, Place>
  readonly spellings: ReadonlyMap<string, string>
}

/** How far types are looked through for an enumeration's value. */
const MAX_TYPE_DEPTH = 8

/** What is seen from one activation: its routine's variables, those of the routines around it, the program's. */
export class FrameView implements NamesInScope {
  readonly #runtime: Runtime
  readonly #blocks: readonly Block[]

  constructor(interpreter: Interpreter, routine: number, frame: number) {
    const { runtime } = interpreter
    this.#runtime = runtime
    const blocks: Block[] = []
    let at = frame
    for (let index = routine; index >= 0; ) {
      const { name, parent, variables } = runtime.program.routines[index] as (typeof runtime.program.routines)[0]
      const globals = parent < 0 ? runtime.program.globals.map(v => placed(v, runtime.layout.globals, at)) : []
      blocks.push(block(name, [...globals, ...variables.map(v => placed(v, at, at))]))
      if (parent >= 0) at = interpreter.enclosingFrame(at)
      index = parent
    }
    this.#blocks = blocks
  }

  variable(name: string): Place | undefined {
    return this.#blocks.find(({ places }) => places.has(name))?.places.get(name)
  }
  constant(name: string): { readonly type: TypeSymbol; readonly content: number } | undefined {
    for (const { places } of this.#blocks) {
      for (const { type } of places.values()) {
        const found = enumerationOf(type, name, MAX_TYPE_DEPTH)
        if (found) return found
      }
    }
    return undefined
  }
  scopes(assign: Assign): readonly SourceScope[] {
    return this.#blocks.map(({ name, places, spellings }) => ({
      name,
      variables: () =>
        [...places].map(
          ([key, place]): SourceVariable => ({
            name: spellings.get(key) ?? key,
            value: new ShownValue(this.#runtime, place, assign),
          }),
        ),
    }))
  }
}

function placed({ name, offset, type }: Variable, base: number, frame: number): readonly [string, Place] {
  return [name, { type, address: base + offset, frame }]
}
function block(name: string, variables: readonly (readonly [string, Place])[]): Block {
  const named = variables.filter(([spelling]) => spelling !== '')
  return {
    name,
    places: new Map(named.map(([spelling, place]) => [spelling.toLowerCase(), place])),
    spellings: new Map(named.map(([spelling]) => [spelling.toLowerCase(), spelling])),
  }
}

/** The value of an enumeration that a type is made from. */
function enumerationOf(
  type: TypeSymbol,
  name: string,
  depth: number,
): { readonly type: TypeSymbol; readonly content: number } | undefined {
  if (depth === 0) return undefined
  switch (type.kind) {
    case 'enumeration': {
      const content = type.names.findIndex(value => value.toLowerCase() === name)
      return content < 0 ? undefined : { type, content }
    }
    case 'array':
    case 'conformant':
      return enumerationOf(type.index, name, depth - 1) ?? enumerationOf(type.element, name, depth - 1)
    case 'set':
      return enumerationOf(type.element, name, depth - 1)
    case 'record':
      return first(type.fields, field => enumerationOf(field.type, name, depth - 1))
    case 'pointer':
    case 'reference':
      return enumerationOf(type.target(), name, depth - 1)
    case 'file':
      return enumerationOf(type.component, name, depth - 1)
    default:
      return undefined
  }
}
function first<T, R>(values: readonly T[], find: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = find(value)
    if (found !== undefined) return found
  }
  return undefined
}
