import type { CheckedStatement, Place, Selection, Value } from '../analysis/checked.ts'
import { type ArrayType, type ConformantType, containsFile, type PointerType, type Type } from '../analysis/types.ts'
import { emitFileVariables } from './file-variables.ts'
import type { Generator } from './generator.ts'
import { loadBound } from './reach.ts'
import { isTagged, noteTags } from './tags.ts'
import { isScalar, sizeOf, storageOf, strideOf } from './storage.ts'

/** `new` (ISO 7185 §6.6.5.3): room for all variants, whichever were named, so that none can be outgrown. */
export function emitNew(g: Generator, pointer: Place, tags: readonly Selection[]): void {
  const target = (pointer.type as PointerType).target as Type
  const kept = g.unit.frame.temporary('i')
  g.op2('lda', 0, kept)
  g.op('ldci', sizeOf(target).bytes)
  if (isTagged(g, target)) noteTags(g, tags)
  g.standard(g.options.marks ? 'hnw' : tags.length > 0 && isTagged(g, target) ? 'nwt' : 'new')
  if (containsFile(target)) emitFileVariables(g, target, () => g.op2('loda', 0, kept), 'fin')
  // The variants that were named are active from the start: their tags have the values named.
  for (const { value, part } of tags) {
    if (part.tag === undefined) continue
    g.op2('loda', 0, kept)
    if (part.tag.offset !== 0) g.op('inca', part.tag.offset)
    g.op('ldci', value)
    g.op(`sto${storageOf(part.tag.type, target.kind === 'record' && target.packed)}`)
  }
  const at = g.reach(pointer)
  g.settle(at)
  g.op2('loda', 0, kept)
  g.store(at, 'a')
  g.unit.frame.release('i', kept)
}

/** `dispose` (§6.6.5.3). */
export function emitDispose(g: Generator, pointer: Value, tags: readonly Selection[]): void {
  const target = (pointer.type as PointerType).target as Type
  if (containsFile(target)) {
    const kept = g.unit.frame.temporary('i')
    g.value(pointer)
    g.op('chka', 1)
    g.op2('stra', 0, kept)
    emitFileVariables(g, target, () => g.op2('loda', 0, kept), 'fcl')
    g.op2('loda', 0, kept)
    g.unit.frame.release('i', kept)
  } else {
    g.value(pointer)
  }
  if (isTagged(g, target)) noteTags(g, tags)
  g.op('ldci', sizeOf(target).bytes)
  g.standard(isTagged(g, target) ? 'dst' : 'dsp')
}

/** Pushes a bound of an array, which only the call knows where it is a conformant one. */
function pushBound(g: Generator, array: ArrayType | ConformantType, end: 'low' | 'high'): void {
  if (array.kind === 'conformant') loadBound(g, array[end])
  else g.op('ldci', array.index[end])
}
function pushCount(g: Generator, array: ArrayType | ConformantType): void {
  pushBound(g, array, 'high')
  pushBound(g, array, 'low')
  g.op('sbi')
  g.op('inci', 1)
}
/** Checks that an index, which is on the stack, has as many components behind it as the packed array has. */
function checkStart(g: Generator, unpacked: ArrayType | ConformantType, packed: ArrayType | ConformantType): void {
  pushBound(g, unpacked, 'low')
  pushBound(g, unpacked, 'high')
  g.op('inci', 1)
  pushCount(g, packed)
  g.op('sbi')
  g.op('chkv')
}

/** `pack` and `unpack` (§6.6.5.4): component by component, since packed ones may be stored otherwise. */
export function emitTransfer(g: Generator, statement: CheckedStatement & { readonly op: 'pack' | 'unpack' }): void {
  const unpacked = statement.unpacked.type as ArrayType | ConformantType
  const packed = statement.packed.type as ArrayType | ConformantType
  const { frame } = g.unit
  const [wide, narrow, turn] = [frame.temporary('i'), frame.temporary('i'), frame.temporary('i')]
  g.address(g.reach(statement.unpacked))
  g.value(statement.index)
  if (g.options.checks) checkStart(g, unpacked, packed)
  pushBound(g, unpacked, 'low')
  g.op('sbi')
  g.op('ixa', strideOf(unpacked))
  g.op2('stra', 0, wide)
  g.address(g.reach(statement.packed))
  g.op2('stra', 0, narrow)
  g.op('ldci', 0)
  g.op2('stri', 0, turn)
  const again = g.label()
  g.place(again)
  const element = (base: number, array: ArrayType | ConformantType): void => {
    g.op2('loda', 0, base)
    g.op2('lodi', 0, turn)
    g.op('ixa', strideOf(array))
  }
  const isPack = statement.op === 'pack'
  const [to, toArray] = isPack ? ([narrow, packed] as const) : ([wide, unpacked] as const)
  const [from, fromArray] = isPack ? ([wide, unpacked] as const) : ([narrow, packed] as const)
  element(to, toArray)
  element(from, fromArray)
  const { component } = packed
  if (isScalar(component)) {
    const storage = storageOf(component, fromArray.packed)
    g.op(`ind${storage}`)
    if (g.options.undefined && storage === 'i') g.op('ckdi')
    else if (g.options.undefined && storage === 'r') g.op('ckdr')
    g.op(`sto${storageOf(component, toArray.packed)}`)
  } else {
    g.op('mov', sizeOf(component).bytes)
  }
  g.op2('lodi', 0, turn)
  g.op('inca', 1)
  g.op2('stri', 0, turn)
  g.op2('lodi', 0, turn)
  pushCount(g, packed)
  g.op('lesi')
  g.jump('tjp', again)
  for (const offset of [wide, narrow, turn]) frame.release('i', offset)
}
