import { sizeOf } from '../generate/storage.ts'
import { MAX_TYPE_BYTES } from '../limits.ts'
import type { Span } from '../diagnostics.ts'
import type { Block, Declaration, Name, RoutineNode, TypeNode, UnitNode } from '../syntax/tree.ts'
import { constantOf } from './constants.ts'
import { type Context, UNKNOWN } from './context.ts'
import { analyseHeading, resultType, makeVariable } from './headings.ts'
import { checkLabels, declareLabels } from './labels.ts'
import { analyseSequence } from './statements.ts'
import type { Binding, Heading, Region, Routine } from './symbols.ts'
import { type PendingPointers, resolvePointers, typeOf } from './type-nodes.ts'
import type { PointerType, Type } from './types.ts'

const NO_HEADING: Heading = { isFunction: false, parameters: [], result: undefined }

/** A routine without a block yet; it joins the program’s routines. */
export function makeRoutine(c: Context, name: string, span: Span, isFunction: boolean): Routine {
  const parent: Routine | undefined = c.routine
  const routine: Routine = {
    kind: 'routine',
    name,
    index: c.routines.length,
    parent,
    level: parent === undefined ? 1 : parent.level + 1,
    heading: { ...NO_HEADING, isFunction },
    result: undefined,
    isForward: false,
    hasBlock: false,
    span,
    scope: undefined,
    variables: [],
    labels: new Map(),
    checked: undefined,
  }
  c.routines.push(routine)
  return routine
}

/** The declarations and statements of the current routine (ISO 7185 §6.2.1). */
export function analyseBlock(c: Context, block: Block): void {
  const { routine } = c
  for (const declaration of block.declarations) declare(c, declaration)
  reportMissing(c)
  c.onDeclared?.(routine)
  const region: Region = { parent: undefined }
  c.region = undefined
  c.opened = []
  const body = analyseSequence(c, block.body.body, region)
  checkLabels(c, region)
  routine.checked = { body, startPos: block.body.pos, endPos: Math.max(block.body.pos, block.body.end - 1) }
}

function declare(c: Context, node: Declaration): void {
  switch (node.kind) {
    case 'labels':
      declareLabels(c, node.labels)
      break
    case 'consts':
      for (const { name, value } of node.items) {
        const binding = c.define(name, UNKNOWN, false)
        const constant = constantOf(c, value)
        finish(binding, constant.type.kind === 'error' ? UNKNOWN : { kind: 'constant', value: constant })
      }
      break
    case 'types':
      declareTypes(c, node.items)
      break
    case 'vars':
      for (const { names, type: typeNode } of node.items) {
        const pending: PendingPointers = []
        const bindings = names.map(name => c.define(name, UNKNOWN, false))
        const type = typeOf(c, typeNode, pending)
        resolvePointers(c, pending)
        if (sizeOf(type).bytes > MAX_TYPE_BYTES) c.report('type-size', typeNode, MAX_TYPE_BYTES)
        bindings.forEach(binding => {
          const variable = makeVariable(c.routine, binding.name, type)
          c.routine.variables.push(variable)
          finish(binding, variable)
        })
      }
      break
    default:
      declareRoutine(c, node)
  }
}

/** A unit: its offers are declared in the current scope, which stays open; what its implementation adds is its own (UCSD). */
export function analyseUnit(c: Context, unit: UnitNode): void {
  for (const declaration of unit.offers) declare(c, declaration)
  const offers = c.scopes.current
  c.unit = offers
  c.scopes.open()
  for (const declaration of unit.implementation) declare(c, declaration)
  reportMissing(c)
  c.scopes.close()
  c.unit = undefined
  reportMissing(c)
}

/** Routines that were declared forward, or offered, and have no block. */
function reportMissing(c: Context): void {
  for (const { binding } of c.scopes.current.bindings) {
    const { entity } = binding
    if (entity.kind === 'routine' && entity.isForward && !entity.hasBlock && entity.parent === c.routine) {
      c.reportAbsence('forward-missing', binding.span, `'${entity.name}'`)
    }
  }
}

/** Gives an identifier its meaning, once its definition is complete. */
function finish(binding: Binding, entity: Binding['entity']): void {
  binding.entity = entity
  binding.isReady = true
}

function declareTypes(c: Context, items: readonly { readonly name: Name; readonly type: TypeNode }[]): void {
  const pending: PendingPointers = []
  for (const { name, type: node } of items) {
    const binding = c.define(name, UNKNOWN, false)
    let type: Type = typeOf(c, node, pending)
    // A new type takes this name; another name for a known type leaves it its own.
    if (type.name === '' && type.kind !== 'error') type.name = binding.name
    else if (node.kind !== 'type-name' && type.kind === 'pointer') type = { ...type } satisfies PointerType
    finish(binding, type.kind === 'error' ? UNKNOWN : { kind: 'type', type })
  }
  resolvePointers(c, pending)
}

/** A procedure or function declaration (§6.6.1, §6.6.2). */
function declareRoutine(c: Context, node: RoutineNode): void {
  const { heading: headingNode, directive, block } = node
  const { name } = headingNode
  const known = c.scopes.peek(name.id)
  const isOwn = known?.scope === c.scopes.current || (known !== undefined && known.scope === c.unit)
  const forward =
    known !== undefined && isOwn && known.entity.kind === 'routine' && !known.entity.hasBlock ? known.entity : undefined
  const routine = forward ?? newRoutine(c, node)
  const outer = c.routine
  if (forward && !continuesForward(c, node, forward)) return
  if (directive) {
    if (c.names.text(directive.id) === 'forward' && !forward) routine.isForward = true
    else if (c.names.text(directive.id) !== 'forward') c.report('directive', directive, c.quote(directive))
    else c.report('redeclared', name, c.quote(name), c.sources.locate(forward?.span.pos ?? 0).line)
  }
  if (node.isOffer === true) {
    routine.isForward = true
    return
  }
  if (block === undefined) {
    if (!directive) routine.hasBlock = true
    return
  }
  routine.hasBlock = true
  c.routine = routine
  c.scopes.reopen(routine.scope as NonNullable<Routine['scope']>)
  analyseBlock(c, block)
  c.scopes.close()
  c.routine = outer
  const { result } = routine
  if (result && !result.isAssigned && result.type.kind !== 'error')
    c.reportAbsence('result-unassigned', name, c.quote(name))
}

/** Defines a routine, and its parameters in a scope of their own that its block joins. */
function newRoutine(c: Context, node: RoutineNode): Routine {
  const { heading: headingNode } = node
  const { name } = headingNode
  const routine = makeRoutine(c, c.names.text(name.id), name, headingNode.isFunction)
  c.define(name, routine)
  const outer = c.routine
  c.routine = routine
  const type = resultType(c, headingNode)
  routine.scope = c.scopes.open()
  routine.heading = analyseHeading(c, headingNode, routine, type)
  c.scopes.close()
  c.routine = outer
  const { result } = routine.heading
  if (result) routine.result = makeVariable(routine, routine.name, result)
  if (headingNode.isFunction && headingNode.result === undefined) c.report('result-missing', name, c.quote(name))
  return routine
}

/** The block of a routine that was declared forward: its heading is the name alone (§6.6.1). */
function continuesForward(c: Context, { heading, block }: RoutineNode, forward: Routine): boolean {
  if (block === undefined) return true
  const { name } = heading
  if (heading.isFunction !== forward.heading.isFunction) {
    forward.hasBlock = true
    c.report('forward-kind', name, c.quote(name), forward.heading.isFunction ? 'function' : 'procedure')
    return false
  }
  if (heading.parameters || heading.result) c.report('forward-heading', name, c.quote(name))
  return true
}
