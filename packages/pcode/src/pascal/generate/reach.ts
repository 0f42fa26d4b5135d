import type { Place } from '../analysis/checked.ts'
import type { Bound, Variable } from '../analysis/symbols.ts'
import type { ArrayType, ConformantType, FileType, RecordType, Type, Variant } from '../analysis/types.ts'
import type { Generator, Reached } from './generator.ts'
import { keepGuarded } from './references.ts'
import { FILE_ID_BYTES, layOut, sizeOf, storageOf, strideOf } from './storage.ts'

/** Writes what leads to a place; fixed offsets are added up and cost nothing. */
export function reachPlace(g: Generator, place: Place): Reached {
  switch (place.at) {
    case 'variable':
      return reachVariable(g, place.variable)
    case 'field':
      return reachField(g, place)
    case 'index':
      return place.array.kind === 'conformant'
        ? reachConformant(g, place, place.array)
        : reachElement(g, place, place.array)
    case 'pointer':
      g.value(place.pointer)
      if (g.options.checks) g.op('chka', 1)
      keepGuarded(g, place)
      return { kind: 'address', offset: 0 }
    case 'buffer': {
      g.address(g.reach(place.file))
      const { component, isText } = place.file.type as FileType
      if (!isText) g.op('ldci', sizeOf(component).bytes)
      g.standard(isText ? 'fbv' : 'fvb')
      return { kind: 'address', offset: FILE_ID_BYTES }
    }
    case 'character':
      g.address(g.reach(place.base))
      g.value(place.index)
      g.code.position = place.index.pos
      if (g.options.checks) g.standard('six')
      else g.op('ixa', 1)
      return { kind: 'address', offset: 0 }
    case 'with':
      if (place.opened.offset < 0) return g.reach(place.opened.place)
      g.op2('loda', 0, place.opened.offset)
      return { kind: 'address', offset: 0 }
    default:
      return { kind: 'global', offset: 0 }
  }
}

/** True for a variable that stands for another one, whose address it holds. */
export function isReference(variable: Variable): boolean {
  return variable.byReference || variable.type.kind === 'conformant'
}

function reachVariable(g: Generator, variable: Variable): Reached {
  const at = g.locate(variable)
  if (!isReference(variable)) return at
  g.load(at, 'a')
  return { kind: 'address', offset: 0 }
}

/** A part of what was reached. */
function part(at: Reached, offset: number): Reached {
  if (at.kind === 'frame') return { ...at, offset: at.offset + offset, isWhole: false }
  return { ...at, offset: at.offset + offset }
}

function reachField(g: Generator, place: Place & { readonly at: 'field' }): Reached {
  const { record, field } = place
  layOut(record)
  const base = g.reach(place.base)
  if (g.options.checks) for (let v = field.variant; v; v = v.outer) checkVariant(g, base, record, v)
  return part(base, field.offset)
}

/** Sets of tag values beyond this are not checked one by one. */
const MAX_TAG_COMPARISONS = 16

/** Traps unless the tag field has a value that this variant is for (ISO 7185 §6.5.3.3). */
function checkVariant(g: Generator, base: Reached, record: RecordType, variant: Variant): void {
  const { tag } = variant.part
  if (tag === undefined || variant.labels.length > MAX_TAG_COMPARISONS) return
  if (base.kind === 'address') g.op('dupa')
  g.load(part(base, tag.offset), storageOf(tag.type, record.packed))
  // On the stack: the tag, then whether it is one of those looked at so far.
  g.op('cks')
  for (const value of variant.labels) g.op('ckvi', value)
  g.op('cke')
}

function reachElement(g: Generator, place: Place & { readonly at: 'index' }, array: ArrayType): Reached {
  const { base, index } = place
  const { low, high } = array.index
  const stride = strideOf(array)
  const at = g.reach(base)
  if (index.op === 'ordinal') return part(at, (index.value - low) * stride)
  const offset = at.kind === 'address' ? at.offset : 0
  if (at.kind !== 'address') g.address(at)
  g.value(index)
  if (g.options.checks && (index.low < low || index.high > high || mayBeUndefined(g, index.type)))
    g.checkAt(index.pos, 'chki', low, high)
  if (low > 0) g.op('deca', low)
  else if (low < 0) g.op('inca', -low)
  g.op('ixa', stride)
  return { kind: 'address', offset }
}

/** Types whose undefined values are not told apart when they are loaded. */
function mayBeUndefined(g: Generator, type: Type): boolean {
  return g.options.undefined && type.kind === 'ordinal' && type.family === 'enumeration'
}

/** Pushes the value of a bound of a conformant array parameter. */
export function loadBound(g: Generator, bound: Bound): void {
  g.op2('lodi', g.levelsTo(bound.owner), bound.offset)
}

function reachConformant(g: Generator, place: Place & { readonly at: 'index' }, array: ConformantType): Reached {
  g.address(g.reach(place.base))
  g.value(place.index)
  if (g.options.checks) {
    loadBound(g, array.low)
    loadBound(g, array.high)
    g.op('chkv')
  }
  loadBound(g, array.low)
  g.op('sbi')
  if (array.component.kind === 'conformant') {
    pushBytes(g, array.component)
    g.op('mpi')
    g.op('ixa', 1)
  } else {
    g.op('ixa', strideOf(array))
  }
  return { kind: 'address', offset: 0 }
}

/** Pushes how many bytes a conformant array has in this call. */
export function pushBytes(g: Generator, array: ConformantType): void {
  loadBound(g, array.high)
  loadBound(g, array.low)
  g.op('sbi')
  g.op('inci', 1)
  if (array.component.kind === 'conformant') {
    pushBytes(g, array.component)
  } else {
    g.op('ldci', strideOf(array))
  }
  g.op('mpi')
}
