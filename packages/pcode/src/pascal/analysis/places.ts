import type { Expression, Name } from '../syntax/tree.ts'
import type { Place, Value } from './checked.ts'
import { compatible } from './compatibility.ts'
import { type Context, entityName } from './context.ts'
import type { Span } from '../diagnostics.ts'
import { CHAR, ERROR, type Field, INTEGER, type RecordType, showOrdinal, showType } from './types.ts'

/** A place that an error left unknown. */
export function badPlace(pos: number): Place {
  return { at: 'bad', pos, type: ERROR, isPackedComponent: false }
}

/** A variable-access (ISO 7185 §6.5.1); reports what is none. */
export function analysePlace(c: Context, node: Expression): Place {
  switch (node.kind) {
    case 'name':
      return namePlace(c, node)
    case 'index':
      return indexPlace(c, node.base, node.indexes, node)
    case 'field': {
      const base = c.place(node.base)
      if (base.type.kind === 'error') return badPlace(node.pos)
      if (base.type.kind !== 'record') {
        c.report('not-a-record', node.base, `of type ${showType(base.type)}`)
        return badPlace(node.pos)
      }
      const field = base.type.fields.get(node.field.id)
      if (field) return fieldPlace(base, base.type, field, node.pos)
      if (node.field.id >= 0) reportField(c, node.field, base.type)
      return badPlace(node.pos)
    }
    case 'arrow':
      return arrowPlace(c, node.base, node.pos)
    case 'bad':
      return badPlace(node.pos)
    default:
      c.report('not-a-variable', node, node.kind === 'call' ? 'a function’s result' : 'a value')
      if (node.kind === 'call') c.value(node)
      return badPlace(node.pos)
  }
}

/** A field of the record that the innermost with-statement opened with such a field (§6.8.3.10). */
export function openedField(c: Context, name: Name): Place | undefined {
  for (let i = c.opened.length - 1; i >= 0; i--) {
    const { record, opened } = c.opened[i] as Context['opened'][number]
    const field = record.fields.get(name.id)
    if (field === undefined) continue
    const base: Place = { at: 'with', opened, pos: name.pos, type: record, isPackedComponent: false }
    return fieldPlace(base, record, field, name.pos)
  }
  return undefined
}

function fieldPlace(base: Place, record: RecordType, field: Field, pos: number): Place {
  return { at: 'field', base, record, field, pos, type: field.type, isPackedComponent: record.packed }
}

function reportField(c: Context, field: Name, record: RecordType): void {
  const known = [...record.fields.values()].map(({ name }) => name)
  const wanted = c.names.text(field.id)
  const near = known.find(name => name.startsWith(wanted) || wanted.startsWith(name))
  const hint = near === undefined ? `its fields are ${known.slice(0, 8).join(', ')}` : `did you mean '${near}'?`
  c.diagnostics.report('no-field', field, [c.quote(field), showType(record)], hint)
}

function namePlace(c: Context, node: Name): Place {
  const field = openedField(c, node)
  if (field) return field
  const entity = c.find(node)
  if (entity.kind === 'variable') {
    if (entity.owner !== c.routine) entity.isShared = true
    return { at: 'variable', variable: entity, pos: node.pos, type: entity.type, isPackedComponent: false }
  }
  if (entity.kind !== 'unknown') c.report('not-a-variable', node, entityName(entity))
  return badPlace(node.pos)
}

function indexPlace(c: Context, baseNode: Expression, indexes: readonly Expression[], node: Span): Place {
  let base = c.place(baseNode)
  for (const indexNode of indexes) {
    const index = c.value(indexNode)
    if (base.type.kind === 'error') continue
    if (base.type.kind === 'string') {
      if (!compatible(index.type, INTEGER)) c.report('index-type', indexNode, showType(index.type), 'integer')
      base = { at: 'character', base, index, pos: node.pos, type: CHAR, isPackedComponent: true }
      continue
    }
    if (base.type.kind !== 'array' && base.type.kind !== 'conformant') {
      c.report('not-an-array', baseNode, `of type ${showType(base.type)}`)
      base = badPlace(node.pos)
      continue
    }
    const array = base.type
    checkIndex(c, index, array, indexNode)
    base = {
      at: 'index',
      base,
      array,
      index,
      pos: node.pos,
      type: array.component,
      isPackedComponent: array.packed,
    }
  }
  return base
}

function checkIndex(
  c: Context,
  index: Value,
  array: Place['type'] & { kind: 'array' | 'conformant' },
  node: Span,
): void {
  if (!compatible(index.type, array.index)) {
    c.report('index-type', node, showType(index.type), showType(array.index))
  } else if (array.kind === 'array' && index.op === 'ordinal') {
    const { value } = index
    if (value < array.index.low || value > array.index.high) {
      c.report('index-range', node, showOrdinal(array.index, value), showType(array.index))
    }
  }
}

function arrowPlace(c: Context, baseNode: Expression, pos: number): Place {
  const base = c.place(baseNode)
  const { type } = base
  if (type.kind === 'file') {
    if (type.isUntyped === true) {
      c.report('file-untyped', baseNode)
      return badPlace(pos)
    }
    return { at: 'buffer', file: base, pos, type: type.component, isPackedComponent: false }
  }
  if (type.kind === 'pointer') {
    const pointer: Value = { op: 'load', place: base, pos, type, low: 0, high: 0 }
    return { at: 'pointer', pointer, pos, type: type.target ?? ERROR, isPackedComponent: false }
  }
  if (type.kind !== 'error') c.report('not-a-pointer', baseNode, `of type ${showType(type)}`)
  return badPlace(pos)
}
