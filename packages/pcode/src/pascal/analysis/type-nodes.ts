import { MAX_LONG_DIGITS } from '../../machine/long-integers.ts'
import { MAX_SET_MEMBER, MAX_STRING } from '../limits.ts'
import type { Expression, FieldListNode, Name, RecordNode, TypeNode, VariantPartNode } from '../syntax/tree.ts'
import { compatible, isInteger } from './compatibility.ts'
import { ordinalConstant } from './constants.ts'
import { type Context, entityName } from './context.ts'
import {
  type ArrayType,
  BOOLEAN,
  CHAR,
  containsFile,
  enumeration,
  ERROR,
  type Field,
  hostOf,
  INTEGER,
  type OrdinalType,
  type PointerType,
  showOrdinal,
  showType,
  STRING,
  subrange,
  type Type,
  type Variant,
  type VariantPart,
} from './types.ts'

/** Pointers whose target types are defined later in the same type part (ISO 7185 §6.2.2.9). */
export type PendingPointers = { readonly pointer: PointerType; target: Name }[]

/** A type of its own, or the one that a type-identifier denotes (§6.4.1). */
export function typeOf(c: Context, node: TypeNode, pending: PendingPointers | undefined): Type {
  switch (node.kind) {
    case 'type-name':
      return namedType(c, node)
    case 'enumeration': {
      const type = enumeration(node.names.map(name => c.sources.slice(name.pos, name.end).toLowerCase()))
      node.names.forEach((name, value) => c.define(name, { kind: 'constant', value: { type, value } }))
      return type
    }
    case 'subrange':
      return subrangeType(c, node)
    case 'pointer': {
      const pointer: PointerType = { kind: 'pointer', name: '', target: undefined }
      // An identifier that is not defined yet may be, later in this part.
      if (pending) pending.push({ pointer, target: node.target })
      else pointer.target = namedType(c, node.target)
      return pointer
    }
    case 'array': {
      const indexes = node.indexes.map(index => ordinalType(c, index, pending))
      const component = typeOf(c, node.component, pending)
      if (component.kind === 'error') return ERROR
      return indexes.reduceRight<Type>((inner, index): Type => {
        if (index === undefined || inner.kind === 'error') return ERROR
        const isAnyString =
          c.dialect.strings && node.packed && inner === CHAR && isInteger(index) && index.high > index.low
        return {
          kind: 'array',
          name: '',
          packed: node.packed,
          index,
          component: inner,
          isAnyString,
        } satisfies ArrayType
      }, component)
    }
    case 'record':
      return recordType(c, node, pending)
    case 'sized':
      return sizedType(c, node)
    case 'set': {
      const base = ordinalType(c, node.base, pending)
      if (base === undefined) return ERROR
      if (base.low < 0 || base.high > MAX_SET_MEMBER) {
        c.report('set-base', node.base, showType(base), 0, MAX_SET_MEMBER)
        return ERROR
      }
      return { kind: 'set', name: '', packed: node.packed, base }
    }
    case 'file': {
      if (node.component === undefined)
        return { kind: 'file', name: '', packed: false, component: CHAR, isText: false, isUntyped: true }
      const component = typeOf(c, node.component, pending)
      if (containsFile(component)) c.report('file-of-file', node.component)
      return { kind: 'file', name: '', packed: node.packed, component, isText: false }
    }
    default:
      return ERROR
  }
}

/** `string[n]`, `integer[n]`. */
function sizedType(c: Context, node: TypeNode & { readonly kind: 'sized' }): Type {
  const named = namedType(c, node.name)
  const length = ordinalConstant(c, node.length)
  if (length === undefined || named.kind === 'error') return ERROR
  if (named !== STRING && named !== INTEGER) {
    c.report('sized-type', node.name, c.quote(node.name))
    return ERROR
  }
  const max = named === STRING ? MAX_STRING : MAX_LONG_DIGITS
  if (!isInteger(length.type) || length.value < 1 || length.value > max) {
    c.report(named === STRING ? 'string-size' : 'long-size', node.length, max)
    return ERROR
  }
  return named === STRING
    ? { kind: 'string', name: '', max: length.value }
    : { kind: 'long', name: '', digits: length.value }
}

/** The type that an identifier denotes; reports one that denotes something else. */
export function namedType(c: Context, name: Name): Type {
  const entity = c.find(name)
  if (entity.kind === 'type') return entity.type
  if (entity.kind !== 'unknown') c.report('not-a-type', name, c.quote(name), entityName(entity))
  return ERROR
}

/** Gives pointers of a type part their targets, once the part is complete. */
export function resolvePointers(c: Context, pending: PendingPointers): void {
  for (const { pointer, target } of pending) {
    if (target.id < 0) continue
    if (c.scopes.peek(target.id) === undefined) {
      c.report('pointer-target', target, c.quote(target))
      pointer.target = ERROR
    } else {
      pointer.target = namedType(c, target)
    }
  }
}

function ordinalType(c: Context, node: TypeNode, pending: PendingPointers | undefined): OrdinalType | undefined {
  const type = typeOf(c, node, pending)
  if (type.kind === 'ordinal') return type
  if (type.kind !== 'error') c.report('ordinal-type', node, showType(type))
  return undefined
}

function subrangeType(c: Context, node: TypeNode & { readonly kind: 'subrange' }): Type {
  const low = ordinalConstant(c, node.low)
  const high = ordinalConstant(c, node.high)
  if (low === undefined || high === undefined) return ERROR
  if (!compatible(low.type, high.type)) {
    c.report('subrange-types', node, showType(low.type), showType(high.type))
    return ERROR
  }
  if (low.value > high.value) {
    c.report('subrange-order', node, showOrdinal(low.type, low.value), showOrdinal(low.type, high.value))
    return ERROR
  }
  return subrange(low.type, low.value, high.value)
}

function recordType(c: Context, node: RecordNode, pending: PendingPointers | undefined): Type {
  const fields = new Map<number, Field>()
  const places = new Map<number, Name>()
  const define = (name: Name, field: Field): void => {
    const earlier = places.get(name.id)
    if (earlier) c.report('redeclared', name, c.quote(name), c.sources.locate(earlier.pos).line)
    if (earlier || name.id < 0) return
    places.set(name.id, name)
    fields.set(name.id, field)
  }
  const before = pending?.length ?? 0
  const list = fieldList(c, node.fields, undefined, define, pending)
  refuseFields(c, fields, pending, before)
  return { kind: 'record', name: '', packed: node.packed, fields, ...list, bytes: 0, isMadeWithTags: false }
}

/** Inside of a record its fields’ names mean the fields, so that none can be the type of what a pointer there leads to (§6.2.2.8). */
function refuseFields(
  c: Context,
  fields: ReadonlyMap<number, Field>,
  pending: PendingPointers | undefined,
  before: number,
): void {
  for (const entry of pending?.slice(before) ?? []) {
    if (!fields.has(entry.target.id)) continue
    c.report('not-a-type', entry.target, c.quote(entry.target), 'a field')
    entry.target = { ...entry.target, id: -1 }
    entry.pointer.target = ERROR
  }
}

interface FieldList {
  readonly fixed: Field[]
  readonly variant: VariantPart | undefined
}

function fieldList(
  c: Context,
  node: FieldListNode,
  variant: Variant | undefined,
  define: (name: Name, field: Field) => void,
  pending: PendingPointers | undefined,
): FieldList {
  const fixed: Field[] = []
  for (const section of node.fixed) {
    const type = typeOf(c, section.type, pending)
    for (const name of section.names) {
      const field = makeField(c, name, type, variant)
      define(name, field)
      fixed.push(field)
    }
  }
  return { fixed, variant: node.variant && variantPart(c, node.variant, variant, define, pending) }
}

function makeField(c: Context, name: Name, type: Type, variant: Variant | undefined): Field {
  return { name: c.names.text(name.id), type, variant, tagOf: undefined, offset: 0 }
}

function variantPart(
  c: Context,
  node: VariantPartNode,
  outer: Variant | undefined,
  define: (name: Name, field: Field) => void,
  pending: PendingPointers | undefined,
): VariantPart {
  const named = namedType(c, node.tagType)
  if (named.kind !== 'ordinal' && named.kind !== 'error') c.report('ordinal-type', node.tagType, showType(named))
  const tagType = named.kind === 'ordinal' ? named : BOOLEAN
  const isKnown = named.kind === 'ordinal'
  const tag = node.tag && makeField(c, node.tag, named, outer)
  const part: VariantPart = { tag, tagType, variants: [] }
  if (tag && node.tag) {
    tag.tagOf = part
    define(node.tag, tag)
  }
  const seen = new Set<number>()
  const errorsBefore = c.diagnostics.errors
  for (const { constants, fields } of node.variants) {
    const values = isKnown ? labelValues(c, constants, tagType, seen) : []
    const variant: Variant = { part, outer, labels: values, fixed: [], inner: undefined, endBytes: 0 }
    const list = fieldList(c, fields, variant, define, pending)
    variant.fixed.push(...list.fixed)
    variant.inner = list.variant
    part.variants.push(variant)
  }
  // A wrong case constant is most likely the one that is missing.
  if (isKnown && !c.dialect.lenientVariants && c.diagnostics.errors === errorsBefore)
    checkComplete(c, node, tagType, seen)
  return part
}

/** The case constants of one variant: of the tag’s type, and each once (§6.4.3.3). */
function labelValues(c: Context, constants: readonly Expression[], tagType: OrdinalType, seen: Set<number>): number[] {
  return constants.flatMap(node => {
    const constant = ordinalConstant(c, node)
    if (constant === undefined) return []
    const { type, value } = constant
    if (hostOf(type) !== hostOf(tagType)) {
      c.report('variant-type', node, showType(tagType), showType(type))
    } else if (value < tagType.low || value > tagType.high) {
      c.report('variant-range', node, showOrdinal(type, value), showType(tagType))
    } else if (seen.has(value)) {
      c.report('variant-twice', node, showOrdinal(type, value))
    } else {
      seen.add(value)
      return [value]
    }
    return []
  })
}

function checkComplete(c: Context, node: VariantPartNode, tagType: OrdinalType, seen: ReadonlySet<number>): void {
  if (seen.size >= tagType.high - tagType.low + 1) return
  let missing = tagType.low
  while (seen.has(missing)) missing++
  c.report('variant-missing', node.tagType, showOrdinal(tagType, missing))
}
