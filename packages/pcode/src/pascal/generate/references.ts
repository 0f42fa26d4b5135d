import type { Place } from '../analysis/checked.ts'
import type { Generator } from './generator.ts'

/*
 * A variable that something refers to must not be disposed of, a file not be moved whose buffer variable is referred to, and a
 * variant stay active that a field of is (ISO 7185 §6.6.5.3, §6.5.5, §6.5.3.3). Whether that was done is looked at where the reference ends: that costs a load and a comparison.
 */

/** Begins a reference to a variable, before what leads to it; gives what writes its end where one is needed. */
export function beginReference(g: Generator, place: Place): (() => void) | undefined {
  if (!g.options.checks) return undefined
  const root = rootOf(place)
  if (root.at === 'pointer' && g.options.disposed.has(root.type)) return guardPointer(g, root)
  if (root.at === 'buffer') return guardBuffer(g, root.file)
  const field = variantField(place)
  // Found again without an effect: its variants are checked on the way.
  return field && (() => void g.reach(field))
}

/** The innermost field of a variant on the way to a place that is known before the program runs. */
function variantField(place: Place): Place | undefined {
  if (place.at === 'index') return place.index.op === 'ordinal' ? variantField(place.base) : undefined
  if (place.at !== 'field') return undefined
  return place.field.variant?.part.tag && isStatic(place.base) ? place : variantField(place.base)
}
function isStatic(place: Place): boolean {
  switch (place.at) {
    case 'variable':
      return !place.variable.byReference && place.variable.type.kind !== 'conformant'
    case 'field':
      return isStatic(place.base)
    case 'index':
      return place.index.op === 'ordinal' && isStatic(place.base)
    case 'with':
      return place.opened.offset < 0 && isStatic(place.opened.place)
    default:
      return false
  }
}

/** The variable that a component is of. */
function rootOf(place: Place): Place {
  return place.at === 'index' || place.at === 'field' || place.at === 'character' ? rootOf(place.base) : place
}

function guardPointer(g: Generator, root: Place): () => void {
  const kept = g.unit.frame.temporary('i')
  g.guarded.set(root, kept)
  return () => {
    g.guarded.delete(root)
    g.op2('loda', 0, kept)
    g.op('chka', 1)
    g.op('dmp', 4)
    g.unit.frame.release('i', kept)
  }
}
/** Keeps a pointer that is on the stack, if a reference through it has begun. */
export function keepGuarded(g: Generator, place: Place): void {
  const kept = g.guarded.get(place)
  if (kept === undefined) return
  g.op2('stra', 0, kept)
  g.op2('loda', 0, kept)
}

function guardBuffer(g: Generator, file: Place): () => void {
  const kept = g.unit.frame.temporary('i')
  g.address(g.reach(file))
  g.standard('fps')
  g.op2('stri', 0, kept)
  return () => {
    g.address(g.reach(file))
    g.op2('lodi', 0, kept)
    g.standard('fmv')
    g.unit.frame.release('i', kept)
  }
}

/** Checks that a record, whose address is on the stack, was not made with tags: then it is used as a whole by nobody (§6.6.5.3). */
export function checkWhole(g: Generator, place: Place): void {
  const { type } = place
  const isChecked = g.options.checks && !g.options.marks && type.kind === 'record' && type.isMadeWithTags
  if (isChecked && place.at === 'pointer') g.op('ctp')
}
