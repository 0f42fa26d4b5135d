import { CodeBuilder } from '../../program/code-builder.ts'
import type { Routine as MachineRoutine } from '../../program/program.ts'
import type { Value } from '../analysis/checked.ts'
import type { Routine } from '../analysis/symbols.ts'
import { type Field, lengthOf, type RecordType, type Type, type VariantPart } from '../analysis/types.ts'
import { Frame } from './frame.ts'
import type { Generator } from './generator.ts'
import { layOut, sizeOf, storageOf, strideOf } from './storage.ts'

/*
 * Whether two records or arrays of a type are equal (UCSD Pascal II.0 has `=` and `<>` for them): room between fields, and
 * of strings what is behind their characters, tells nothing. Types where bytes do not say it have a routine each, which
 * calls those of their components.
 */

/** What is compared of a structure, by its offset: bytes, a component that bytes do not tell of, what a tag chooses. */
type Part =
  | { readonly kind: 'bytes'; readonly at: number; readonly bytes: number }
  | { readonly kind: 'component'; readonly at: number; readonly type: Type }
  | { readonly kind: 'variants'; readonly variants: VariantPart }

/** Where a comparing routine’s parameters are in its frame. */
const [A, B] = [0, 4]

/** Writes what says whether two records or arrays are equal. */
export function emitStructuresEqual(g: Generator, left: Value, right: Value): void {
  g.value(left)
  g.value(right)
  emitEqual(g, left.type)
}

/** Pops two addresses of variables of a type, and pushes whether what is there is equal. */
function emitEqual(g: Generator, type: Type): void {
  if (isSolid(type, false)) {
    g.op('equm', sizeOf(type).bytes)
  } else if (type.kind === 'string') {
    g.standard('scm')
    g.op('ldci', 0)
    g.op('equi')
  } else {
    g.op('cup', g.comparer(type))
  }
}

/** The routines that compare what the program does: those that they need themselves are written too. */
export function comparingRoutines(g: Generator, main: Routine): readonly MachineRoutine[] {
  const routines: MachineRoutine[] = []
  // Writing one may ask for others.
  for (const type of g.compared.keys()) routines.push(comparingRoutine(g, type, main))
  return routines
}

function comparingRoutine(g: Generator, type: Type, main: Routine): MachineRoutine {
  const frame = new Frame()
  for (const name of ['a', 'b']) frame.add(name, 4, 4)
  const code = new CodeBuilder()
  g.unit = { routine: main, code, frame, labels: new Map() }
  const unequal = g.label()
  if (type.kind === 'array') emitComponents(g, type, unequal)
  else emitParts(g, partsOf(type as RecordType), type as RecordType, unequal)
  g.op('ldcb', 1)
  g.op('retb')
  g.place(unequal)
  g.op('ldcb', 0)
  g.op('retb')
  return {
    name: 'equal',
    parent: main.index,
    params: ['i', 'i'],
    result: 'i',
    paramOffsets: [A, B],
    frameBytes: frame.bytes,
    variables: frame.variables,
    code: code.finish(),
    positions: code.positions(),
  }
}

/** Jumps to a label where a part differs. */
function emitParts(g: Generator, parts: readonly Part[], record: RecordType, unequal: number): void {
  for (const part of parts) {
    if (part.kind === 'variants') {
      emitVariants(g, part.variants, record, unequal)
      continue
    }
    for (const parameter of [A, B]) {
      g.op2('loda', 0, parameter)
      if (part.at !== 0) g.op('inca', part.at)
    }
    if (part.kind === 'bytes') g.op('equm', part.bytes)
    else emitEqual(g, part.type)
    g.jump('fjp', unequal)
  }
}

function emitComponents(g: Generator, array: Type & { readonly kind: 'array' }, unequal: number): void {
  const left = g.unit.frame.temporary('i')
  const again = g.label()
  g.op('ldci', lengthOf(array))
  g.op2('stri', 0, left)
  g.place(again)
  for (const parameter of [A, B]) g.op2('loda', 0, parameter)
  if (isSolid(array.component, array.packed)) g.op('equm', sizeOf(array.component, array.packed).bytes)
  else emitEqual(g, array.component)
  g.jump('fjp', unequal)
  for (const parameter of [A, B]) {
    g.op2('loda', 0, parameter)
    g.op('inca', strideOf(array))
    g.op2('stra', 0, parameter)
  }
  g.op2('lodi', 0, left)
  g.op('deci', 1)
  g.op2('stri', 0, left)
  g.op2('lodi', 0, left)
  g.op('ldci', 0)
  g.op('equi')
  g.jump('fjp', again)
}

/** The tags are equal already: what they choose is compared, which may be nothing. */
function emitVariants(g: Generator, { tag, variants }: VariantPart, record: RecordType, unequal: number): void {
  if (tag === undefined) return
  const end = g.label()
  for (const variant of variants) {
    const [chosen, next] = [g.label(), g.label()]
    for (const label of variant.labels) {
      g.op2('loda', 0, A)
      g.load({ kind: 'address', offset: tag.offset }, storageOf(tag.type, record.packed))
      g.op('ldci', label)
      g.op('equi')
      g.jump('tjp', chosen)
    }
    g.jump('ujp', next)
    g.place(chosen)
    emitParts(g, fieldParts(record, variant.fixed, variant.inner), record, unequal)
    g.jump('ujp', end)
    g.place(next)
  }
  g.place(end)
}

const solidRecords = new WeakMap<RecordType, boolean>()

/** Whether values of a type are equal where all of their bytes are. */
function isSolid(type: Type, packed: boolean): boolean {
  if (type.kind === 'string') return false
  if (type.kind === 'array') {
    return isSolid(type.component, type.packed) && sizeOf(type.component, type.packed).bytes === strideOf(type)
  }
  if (type.kind !== 'record') return true
  let known = solidRecords.get(type)
  if (known === undefined) {
    const [first, ...others] = partsOf(type)
    known = others.length === 0 && first?.kind === 'bytes' && first.bytes === sizeOf(type, packed).bytes
    solidRecords.set(type, known)
  }
  return known
}

function partsOf(record: RecordType): readonly Part[] {
  const { fixed, variant } = layOut(record)
  return fieldParts(record, fixed, variant)
}

function fieldParts(record: RecordType, fixed: readonly Field[], variants: VariantPart | undefined): readonly Part[] {
  const tag = variants?.tag
  const parts: Part[] = (tag ? [...fixed, tag] : fixed).map(({ type, offset: at }) =>
    isSolid(type, record.packed)
      ? { kind: 'bytes', at, bytes: sizeOf(type, record.packed).bytes }
      : { kind: 'component', at, type },
  )
  if (tag && variants) parts.push({ kind: 'variants', variants })
  // Without a tag nobody knows which variant it is: all of their room is compared, as II.0 does.
  else if (variants) parts.push(...untaggedParts(variants))
  return joined(parts)
}

function untaggedParts({ variants }: VariantPart): readonly Part[] {
  const fields = variants.flatMap(variant => allFields(variant.fixed, variant.inner))
  if (fields.length === 0) return []
  const start = Math.min(...fields.map(field => field.offset))
  const end = Math.max(...variants.map(variant => variant.endBytes))
  return end > start ? [{ kind: 'bytes', at: start, bytes: end - start }] : []
}

function allFields(fixed: RecordType['fixed'], part: VariantPart | undefined): RecordType['fixed'] {
  const tag = part?.tag ? [part.tag] : []
  return [...fixed, ...tag, ...(part?.variants.flatMap(variant => allFields(variant.fixed, variant.inner)) ?? [])]
}

/** Bytes that follow one another are compared at once. */
function joined(parts: readonly Part[]): readonly Part[] {
  const result: Part[] = []
  for (const part of parts) {
    const last = result.at(-1)
    if (part.kind === 'bytes' && last?.kind === 'bytes' && last.at + last.bytes === part.at) {
      result[result.length - 1] = { ...last, bytes: last.bytes + part.bytes }
    } else {
      result.push(part)
    }
  }
  return result
}
