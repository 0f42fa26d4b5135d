import type { Expression, Name, Statement } from '../syntax/tree.ts'
import { analyseCall, changed, converted } from './calls.ts'
import { analyseCase, analyseFor } from './loops.ts'
import type { CheckedStatement, OpenedRecord, Place, Value } from './checked.ts'
import { isBoolean } from './compatibility.ts'
import { type Context, entityName } from './context.ts'
import { findLabel, placeLabel } from './labels.ts'
import { badPlace, openedField } from './places.ts'
import type { Region, Routine } from './symbols.ts'
import { showType } from './types.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

/** A statement (ISO 7185 §6.8). */
export function analyseStatement(c: Context, node: Statement): CheckedStatement {
  if (node.label === undefined) return unlabelled(c, node)
  // The sequence’s own region was set by whoever walks it; a lone labelled statement is one of its own.
  const outer = c.region
  const region: Region = { parent: outer }
  c.region = region
  const label = placeLabel(c, node.label, region)
  const statement: CheckedStatement = unlabelled(c, node)
  c.region = outer
  return label === undefined ? statement : { ...wrapped(statement), label }
}

/** A statement that a label can be put on without touching one that has its own. */
function wrapped(statement: CheckedStatement): CheckedStatement {
  return statement.label === undefined ? statement : { op: 'sequence', body: [statement] }
}

/** A statement-sequence (§6.8.3.1): gotos of all its statements may lead to its labels. */
export function analyseSequence(
  c: Context,
  nodes: readonly Statement[],
  region: Region = { parent: c.region },
): readonly CheckedStatement[] {
  const outer = c.region
  c.region = region
  const body: CheckedStatement[] = []
  for (const node of nodes) {
    const label = node.label && placeLabel(c, node.label, region)
    const statement = unlabelled(c, node)
    if (label !== undefined) body.push({ ...wrapped(statement), label })
    else if (statement.op !== 'empty') body.push(statement)
  }
  c.region = outer
  return body
}

function unlabelled(c: Context, node: Statement): CheckedStatement {
  const { pos } = node
  switch (node.kind) {
    case 'compound':
      return { op: 'sequence', body: analyseSequence(c, node.body) }
    case 'assign':
      return assignment(c, node)
    case 'call':
      return procedureStatement(c, node.callee)
    case 'if':
      return {
        op: 'if',
        pos,
        condition: condition(c, node.condition),
        whenTrue: c.statement(node.whenTrue),
        whenFalse: node.whenFalse && c.statement(node.whenFalse),
      }
    case 'while':
      return { op: 'while', pos, condition: condition(c, node.condition), body: c.statement(node.body) }
    case 'repeat': {
      const body = analyseSequence(c, node.body)
      return { op: 'repeat', pos: node.condition.pos, body, condition: condition(c, node.condition) }
    }
    case 'for':
      return analyseFor(c, node)
    case 'case':
      return analyseCase(c, node)
    case 'with':
      return withStatement(c, node)
    case 'goto': {
      const label = findLabel(c, node.target)
      if (label === undefined) return EMPTY
      c.gotos.push({ label, region: c.region, span: node.target, owner: c.routine })
      if (label.owner !== c.routine) label.isNonLocal = true
      return { op: 'goto', pos, target: label }
    }
    default:
      return EMPTY
  }
}

function condition(c: Context, node: Expression): Value {
  const value = c.value(node)
  if (value.type.kind !== 'error' && !isBoolean(value.type)) {
    c.report('boolean-needed', node, showType(value.type))
  }
  return value
}

function assignment(c: Context, node: Statement & { readonly kind: 'assign' }): CheckedStatement {
  const { target, pos } = node
  const place = target.kind === 'name' ? namedTarget(c, target) : c.place(target)
  changed(c, place, target)
  const value = converted(c, place.type, c.value(node.value), node.value)
  if (place.at === 'variable' && place.variable.owner.result === place.variable) place.variable.isAssigned = true
  return { op: 'assign', pos, place, value }
}

/** What an identifier on the left of `:=` stands for: a variable, or the result of a function around (§6.8.2.2). */
function namedTarget(c: Context, target: Name & { readonly kind: 'name' }): Place {
  if (openedField(c, target)) return c.place(target)
  const entity = c.find(target)
  if (entity.kind === 'variable') return c.place(target)
  if (entity.kind === 'unknown') return badPlace(target.pos)
  if (entity.kind === 'routine' && entity.heading.isFunction) {
    const { result } = entity
    if (result === undefined || !isInside(c.routine, entity)) {
      c.report('assignment-function', target, c.quote(target))
      return badPlace(target.pos)
    }
    if (entity !== c.routine) result.isShared = true
    return { at: 'variable', variable: result, pos: target.pos, type: result.type, isPackedComponent: false }
  }
  c.report('assignment-target', target, c.quote(target), entityName(entity))
  return badPlace(target.pos)
}

function isInside(routine: Routine, outer: Routine): boolean {
  for (let at: Routine | undefined = routine; at !== undefined; at = at.parent) if (at === outer) return true
  return false
}

/** A procedure statement (§6.8.2.3). */
function procedureStatement(c: Context, node: Expression): CheckedStatement {
  const { pos } = node
  if (node.kind !== 'name' && node.kind !== 'call') {
    if (node.kind !== 'bad' && c.place(node).type.kind !== 'error')
      c.report('not-a-procedure', node, 'this', 'a variable')
    return EMPTY
  }
  const call =
    node.kind === 'call' ? node : { kind: 'call' as const, callee: node, args: [], pos: node.pos, end: node.end }
  const field = openedField(c, call.callee)
  if (field) {
    c.report('not-a-procedure', call.callee, c.quote(call.callee), 'a field')
    return EMPTY
  }
  const entity = c.find(call.callee)
  if (entity.kind === 'required' && entity.row.statement) return entity.row.statement(c, call)
  if ((entity.kind === 'routine' || entity.kind === 'formal') && !entity.heading.isFunction) {
    const checked = analyseCall(c, entity, call)
    return checked === undefined ? EMPTY : { op: 'call', pos, call: checked }
  }
  for (const { value } of call.args) c.value(value)
  if (entity.kind === 'unknown') return EMPTY
  const isFunction = entity.kind === 'routine' || entity.kind === 'formal' || entity.kind === 'required'
  if (isFunction) c.report('function-as-statement', call.callee, c.quote(call.callee))
  else c.report('not-a-procedure', call.callee, c.quote(call.callee), entityName(entity))
  return EMPTY
}

/** `with a, b do s`: each record is found once, before s (§6.8.3.10). */
function withStatement(c: Context, node: Statement & { readonly kind: 'with' }): CheckedStatement {
  const before = c.opened
  const records: OpenedRecord[] = []
  for (const recordNode of node.records) {
    const place = c.place(recordNode)
    if (place.type.kind === 'record') {
      const opened: OpenedRecord = { place, offset: -1 }
      records.push(opened)
      c.opened = [...c.opened, { record: place.type, opened }]
    } else if (place.type.kind !== 'error') {
      c.report('with-record', recordNode, `of type ${showType(place.type)}`)
    }
  }
  const body = c.statement(node.body)
  c.opened = before
  return { op: 'with', pos: node.pos, records, body }
}
