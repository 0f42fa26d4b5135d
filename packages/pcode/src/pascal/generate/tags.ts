import { STORAGE } from '../../program/program.ts'
import { Row } from '../../rows/p5.ts'
import type { Place, Selection } from '../analysis/checked.ts'
import type { Type, VariantPart } from '../analysis/types.ts'
import type { Generator } from './generator.ts'
import { storageOf } from './storage.ts'

/** Values of a tag that a table of variants is made for. */
const MAX_TABLE_VALUES = 1024

/** Whether variables of a type are made with tags, which are kept to be compared with. */
export function isTagged(g: Generator, type: Type): boolean {
  return g.options.checks && !g.options.marks && type.kind === 'record' && type.isMadeWithTags
}

/** Notes the variants that `new` or `dispose` is given; the last first (ISO 7185 §6.6.5.3). */
export function noteTags(g: Generator, tags: readonly Selection[]): void {
  for (const { part, variant } of tags.toReversed()) {
    g.op('ldci', part.variants.indexOf(variant))
    g.standard('tag')
  }
}

/** What writes the checks of an assignment to a tag, whose address and new value are on the stack; undefined for other fields. */
export function tagChecks(g: Generator, place: Place & { readonly at: 'field' }): (() => void) | undefined {
  const { field, record } = place
  const part = field.tagOf
  const storage = storageOf(field.type, place.isPackedComponent)
  const { bytes } = STORAGE[storage]
  const table = part && bytes !== 2 ? tableOf(part) : undefined
  if (part === undefined || table === undefined) return undefined
  const isMade = isTagged(g, record) && place.base.at !== 'variable'
  if (!isMade && !g.options.undefined) return undefined
  return () => {
    const at = g.pool.string(table)
    if (isMade) g.code.emit(Row.cta, field.offset, depthOf(part), at)
    const end = Math.max(...part.variants.map(variant => variant.endBytes))
    const room = end - field.offset - bytes
    if (g.options.undefined && room > 0) g.code.emit(bytes === 4 ? Row.cvui : Row.cvux, bytes, room, at)
  }
}

/** How deep a variant part is nested, counted from 1. */
function depthOf({ variants }: VariantPart): number {
  let depth = 1
  for (let outer = variants[0]?.outer; outer; outer = outer.outer) depth++
  return depth
}

/** A table of the variants that a tag’s values select, as words: how many values, the least, a variant for each; undefined where it would be large. */
function tableOf({ tagType, variants }: VariantPart): string | undefined {
  const { low, high } = tagType
  if (high - low >= MAX_TABLE_VALUES) return undefined
  const words = [high - low + 1, low]
  for (let value = low; value <= high; value++) words.push(variants.findIndex(({ labels }) => labels.includes(value)))
  return String.fromCharCode(...new Uint8Array(Int32Array.from(words).buffer))
}
