import type { HeadingNode, Name, ParameterNode, ParameterTypeNode } from '../syntax/tree.ts'
import type { Context } from './context.ts'
import type { Bound, Entity, FormalRoutine, Heading, Parameter, Routine, Variable } from './symbols.ts'
import { namedType } from './type-nodes.ts'
import { containsFile, ERROR, INTEGER, type OrdinalType, showType, type Type } from './types.ts'

/** A variable of a block, not placed yet. */
export function makeVariable(
  owner: Routine,
  name: string,
  type: Type,
  parameter?: { readonly byReference: boolean; readonly bounds: readonly Bound[] },
): Variable {
  return {
    kind: 'variable',
    name,
    type,
    owner,
    byReference: parameter?.byReference ?? false,
    isParameter: parameter !== undefined,
    bounds: parameter?.bounds ?? [],
    threat: undefined,
    controls: 0,
    isControl: false,
    isAssigned: false,
    isShared: false,
    isInFrame: false,
    offset: -1,
  }
}

/** The formal parameters of a routine (ISO 7185 §6.6.3.1); their names are defined in the current scope, which its result is not in. */
export function analyseHeading(c: Context, node: HeadingNode, owner: Routine, result: Type | undefined): Heading {
  const parameters: Parameter[] = []
  node.parameters?.forEach((parameter, section) => {
    if (parameter.kind === 'routine')
      parameters.push({ kind: 'routine', section, formal: formalRoutine(c, parameter.heading, owner) })
    else for (const variable of sectionOf(c, parameter, owner)) parameters.push({ kind: 'variable', section, variable })
  })
  return { isFunction: node.isFunction, parameters, result }
}

/** The type of a function’s result, in the scope that its heading is in (§6.6.2). */
export function resultType(c: Context, node: HeadingNode): Type | undefined {
  if (!node.isFunction) return undefined
  if (node.result === undefined) return ERROR
  const type = namedType(c, node.result)
  if (type.kind === 'ordinal' || type.kind === 'real' || type.kind === 'pointer' || type.kind === 'error') return type
  c.report('result-simple', node.result, showType(type))
  return ERROR
}

/** A procedural or functional parameter: its own parameters’ names mean nothing outside its list (§6.6.3.1). */
function formalRoutine(c: Context, node: HeadingNode, owner: Routine): FormalRoutine {
  const result = resultType(c, node)
  c.scopes.open()
  const heading = analyseHeading(c, node, owner, result)
  c.scopes.close()
  if (node.isFunction && node.result === undefined) c.report('result-missing', node.name, c.quote(node.name))
  const formal: FormalRoutine = { kind: 'formal', name: c.names.text(node.name.id), owner, heading, offset: -1 }
  c.define(node.name, formal)
  return formal
}

function sectionOf(c: Context, node: ParameterNode & { readonly kind: 'value' | 'var' }, owner: Routine): Variable[] {
  const byReference = node.kind === 'var'
  const bounds: Bound[] = []
  const type = parameterType(c, node.type, bounds, owner)
  if (!byReference && containsFile(type)) c.report('value-file', node)
  return node.names.map(name => {
    const variable = makeVariable(owner, c.names.text(name.id), type, { byReference, bounds })
    variable.isAssigned = true
    c.define(name, variable)
    return variable
  })
}

function parameterType(c: Context, node: ParameterTypeNode, bounds: Bound[], owner: Routine): Type {
  if (node.kind === 'type-name') return namedType(c, node)
  if (node.kind !== 'conformant') return ERROR
  const indexes = node.indexes.map(({ low, high, type: typeName }) => {
    const named = namedType(c, typeName)
    if (named.kind !== 'ordinal' && named.kind !== 'error') c.report('ordinal-type', typeName, showType(named))
    const type: OrdinalType = named.kind === 'ordinal' ? named : INTEGER
    const [first, last] = [low, high].map(name => defineBound(c, name, type, owner)) as [Bound, Bound]
    bounds.push(first, last)
    return { index: type, low: first, high: last }
  })
  const component = parameterType(c, node.component, bounds, owner)
  // `packed` goes with the last dimension only: there is only one then.
  return indexes.reduceRight<Type>(
    (inner, dimension) => ({ kind: 'conformant', name: '', packed: node.packed, ...dimension, component: inner }),
    component,
  )
}

function defineBound(c: Context, name: Name, type: Type, owner: Routine): Bound {
  const bound: Bound = { kind: 'bound', name: c.names.text(name.id), type, owner, offset: -1 }
  const entity: Entity = bound
  c.define(name, entity)
  return bound
}
