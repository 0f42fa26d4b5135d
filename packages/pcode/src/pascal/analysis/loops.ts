import type { CaseNode, Expression, ForNode } from '../syntax/tree.ts'
import type { CheckedStatement, Value } from './checked.ts'
import { compatible } from './compatibility.ts'
import { ordinalConstant } from './constants.ts'
import { type Context, entityName } from './context.ts'
import { openedField } from './places.ts'
import type { Variable } from './symbols.ts'
import { hostOf, type OrdinalType, showOrdinal, showType } from './types.ts'

/** A for-statement (ISO 7185 §6.8.3.9). */
export function analyseFor(c: Context, node: ForNode): CheckedStatement {
  const variable = controlVariable(c, node)
  const from = c.value(node.from)
  const to = c.value(node.to)
  if (variable === undefined || variable.type.kind !== 'ordinal') {
    c.statement(node.body)
    return { op: 'empty' }
  }
  const { type } = variable
  checkBound(c, node.from, from, type)
  checkBound(c, node.to, to, type)
  const first = node.isDown ? to : from
  const last = node.isDown ? from : to
  // Where both bounds are known and the body is run, they must be values of the variable.
  if (from.op === 'ordinal' && to.op === 'ordinal' && first.low <= last.high) {
    for (const [bound, at] of [
      [from, node.from],
      [to, node.to],
    ] as const) {
      if (bound.value < type.low || bound.value > type.high) {
        c.report('for-range', at, showOrdinal(hostOf(type), bound.value), showType(type))
      }
    }
  }
  const known = c.ranges.get(variable)
  c.ranges.set(variable, { low: Math.max(type.low, first.low), high: Math.min(type.high, last.high) })
  variable.controls++
  const body = c.statement(node.body)
  variable.controls--
  if (known) c.ranges.set(variable, known)
  else c.ranges.delete(variable)
  return { op: 'for', pos: node.pos, variable, from, to, isDown: node.isDown, body }
}

/** The control variable: declared in this block’s variable part, and changed nowhere else. */
function controlVariable(c: Context, node: ForNode): Variable | undefined {
  const name = node.variable
  const quoted = (): string => c.quote(name)
  if (openedField(c, name)) {
    c.report('for-variable', name, quoted())
    return undefined
  }
  const entity = c.find(name)
  if (entity.kind === 'unknown') return undefined
  if (entity.kind !== 'variable') {
    c.report('not-a-variable', name, entityName(entity))
    return undefined
  }
  const { type } = entity
  if (entity.owner !== c.routine || entity.isParameter) c.report('for-variable', name, quoted())
  else if (type.kind !== 'ordinal' && type.kind !== 'error')
    c.report('for-type', name, quoted(), `of type ${showType(type)}`)
  else if (entity.controls > 0) c.report('for-threat', name, quoted())
  else if (entity.threat) {
    c.report('for-threat-routine', name, quoted(), c.sources.locate(entity.threat.pos).line)
  }
  entity.isAssigned = true
  entity.isControl = true
  return entity
}

function checkBound(c: Context, node: Expression, value: Value, type: OrdinalType): void {
  if (!compatible(value.type, type)) c.report('for-bound', node, showType(value.type), showType(type))
}

/** A case-statement (§6.8.3.5). */
export function analyseCase(c: Context, node: CaseNode): CheckedStatement {
  const selector = c.value(node.selector)
  const { type } = selector
  if (type.kind !== 'ordinal' && type.kind !== 'error')
    c.report('case-type', node.selector, `of type ${showType(type)}`)
  const seen = new Set<number>()
  const arms = node.arms.map(({ constants, body }) => {
    const values: number[] = []
    for (const constant of constants) {
      const known = ordinalConstant(c, constant)
      if (known === undefined || type.kind !== 'ordinal') continue
      if (hostOf(known.type) !== hostOf(type)) {
        c.report('case-label-type', constant, showType(known.type), showType(type))
      } else if (seen.has(known.value)) {
        c.report('case-twice', constant, showOrdinal(known.type, known.value))
      } else {
        seen.add(known.value)
        values.push(known.value)
      }
    }
    return { values, body: c.statement(body) }
  })
  const otherwise = node.otherwise && c.statement(node.otherwise)
  if (type.kind !== 'ordinal') return { op: 'empty' }
  const nothing: CheckedStatement | undefined = c.dialect.lenientCase ? { op: 'empty' } : undefined
  return { op: 'case', pos: node.pos, selector, arms, otherwise: otherwise ?? nothing }
}
