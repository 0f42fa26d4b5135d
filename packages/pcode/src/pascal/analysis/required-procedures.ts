import type { Expression } from '../syntax/tree.ts'
import { changed, countOf } from './calls.ts'
import type { CheckedStatement, Place, Selection, Value } from './checked.ts'
import { compatible } from './compatibility.ts'
import { constantOf } from './constants.ts'
import type { Context } from './context.ts'
import { fileArgument } from './files.ts'
import { INPUT_OUTPUT } from './input-output.ts'
import { REQUIRED_FUNCTIONS } from './required-functions.ts'
import type { RequiredRow } from './required-rows.ts'
import {
  type ArrayType,
  type ConformantType,
  hostOf,
  showOrdinal,
  showType,
  type Type,
  type VariantPart,
} from './types.ts'

const EMPTY: CheckedStatement = { op: 'empty' }

/** File handling procedures (ISO 7185 §6.6.5.2, §6.9.5). */
function fileRow(name: 'reset' | 'rewrite' | 'get' | 'put' | 'page'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const isPage = name === 'page'
      if (node.args.length > 1 || (!isPage && node.args.length === 0)) {
        c.report('argument-count', node, c.quote(node.callee), 'one file', node.args.length)
        return EMPTY
      }
      const file = fileArgument(c, node, 'output', isPage)
      const hasComponents = file?.type.kind === 'file' && file.type.isUntyped !== true
      if (file && !hasComponents && (name === 'get' || name === 'put')) c.report('file-untyped', node)
      return file === undefined
        ? EMPTY
        : { op: 'file', pos: node.pos, action: name, file, isLenient: c.isLenient(node.pos) }
    },
  }
}

/** `new` and `dispose` (§6.6.5.3). */
function heapRow(name: 'new' | 'dispose'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      const [first, ...tagNodes] = node.args
      if (first === undefined) {
        c.report('argument-count', node, c.quote(node.callee), 'a pointer at least', 0)
        return EMPTY
      }
      const pointer: Place | Value = name === 'new' ? c.place(first.value) : c.value(first.value)
      const { type } = pointer
      if (type.kind === 'error') return EMPTY
      if (type.kind !== 'pointer' || type.target === undefined) {
        c.report('pointer-needed', first.value, c.quote(node.callee), `of type ${showType(type)}`)
        return EMPTY
      }
      if (name === 'new') changed(c, pointer as Place, first.value)
      const tags = selections(
        c,
        type.target,
        tagNodes.map(({ value }) => value),
      )
      if (name === 'dispose') c.disposed.add(type.target)
      else if (tags.length > 0 && type.target.kind === 'record') type.target.isMadeWithTags = true
      return { op: name, pos: node.pos, pointer, tags }
    },
  }
}

/** The variants that tag constants select, outermost first. */
function selections(c: Context, target: Type, nodes: readonly Expression[]): Selection[] {
  const tags: Selection[] = []
  let part: VariantPart | undefined = target.kind === 'record' ? target.variant : undefined
  for (const tagNode of nodes) {
    const { type, value } = constantOf(c, tagNode)
    if (type.kind === 'error') return tags
    if (part === undefined) {
      c.report('tags-many', tagNode, showType(target))
      return tags
    }
    const selecting: VariantPart = part
    const variant =
      type.kind === 'ordinal' && hostOf(type) === hostOf(selecting.tagType)
        ? selecting.variants.find(({ labels }) => labels.includes(value as number))
        : undefined
    if (
      variant === undefined &&
      c.dialect.lenientVariants &&
      type.kind === 'ordinal' &&
      hostOf(type) === hostOf(selecting.tagType)
    ) {
      // A value of the tag that has no variant, and so nothing that could be chosen further.
      return tags
    }
    if (variant === undefined) {
      c.report('tag-constant', tagNode, showType(target))
      return tags
    }
    tags.push({ value: value as number, part: selecting, variant })
    part = variant.inner
  }
  return tags
}

/** `pack` and `unpack` (§6.6.5.4). */
function transferRow(name: 'pack' | 'unpack'): RequiredRow {
  return {
    name,
    isFunction: false,
    statement(c, node) {
      if (node.args.length !== 3) {
        c.report('argument-count', node, c.quote(node.callee), countOf(3, 'parameter'), node.args.length)
        return EMPTY
      }
      const [a, b, d] = node.args.map(({ value }) => value) as [Expression, Expression, Expression]
      const [unpackedNode, indexNode, packedNode] = name === 'pack' ? [a, b, d] : [b, d, a]
      const unpacked = c.place(unpackedNode)
      const index = c.value(indexNode)
      const packed = c.place(packedNode)
      if ([unpacked, index, packed].some(({ type }) => type.kind === 'error')) return EMPTY
      const isArray = (place: Place): place is Place & { type: ArrayType | ConformantType } =>
        place.type.kind === 'array' || place.type.kind === 'conformant'
      const fits =
        isArray(unpacked) &&
        isArray(packed) &&
        !unpacked.type.packed &&
        packed.type.packed &&
        unpacked.type.component === packed.type.component &&
        compatible(index.type, unpacked.type.index)
      if (!fits) {
        c.report('pack-types', node, c.quote(node.callee))
        return EMPTY
      }
      if (index.op === 'ordinal' && unpacked.type.kind === 'array' && packed.type.kind === 'array') {
        const { low, high } = unpacked.type.index
        const last = index.value + packed.type.index.high - packed.type.index.low
        if (index.value < low || last > high) {
          const outside = showOrdinal(unpacked.type.index, index.value < low ? index.value : last)
          c.report('index-range', indexNode, outside, showType(unpacked.type.index))
        }
      }
      changed(c, name === 'pack' ? packed : unpacked, node)
      return { op: name, pos: node.pos, unpacked, index, packed }
    },
  }
}

/** All required procedures and functions (ISO 7185 §6.6.5, §6.6.6). */
export const REQUIRED_ROUTINES: readonly RequiredRow[] = [
  ...REQUIRED_FUNCTIONS,
  ...INPUT_OUTPUT,
  fileRow('reset'),
  fileRow('rewrite'),
  fileRow('get'),
  fileRow('put'),
  fileRow('page'),
  heapRow('new'),
  heapRow('dispose'),
  transferRow('pack'),
  transferRow('unpack'),
]
