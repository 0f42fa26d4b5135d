import { AT } from './dwarf-constants.ts'
import type { FormValue } from './dwarf-forms.ts'
import { DwarfReader } from './dwarf-reader.ts'
import type { DwarfEntry, DwarfUnit } from './dwarf-unit.ts'

/** Code from `start` to before `end`. */
export interface CodeSpan {
  readonly start: bigint
  readonly end: bigint
}
/** Where something is while code of a span runs. */
export interface SpanLocation extends CodeSpan {
  /** A location description (DWARF 5 §2.6). */
  readonly expression: Uint8Array
}

/** Kinds of entries of range lists, DWARF 5 §7.25. */
const RLE = {
  end: 0,
  baseIndex: 1,
  startIndexEndIndex: 2,
  startIndexLength: 3,
  offsets: 4,
  base: 5,
  startEnd: 6,
  startLength: 7,
} as const
/** Kinds of entries of location lists, DWARF 5 §7.7.3, in the order of those of range lists; and the default's. */
const AS_RANGE: readonly number[] = [0, 1, 2, 3, 4, -1, 5, 6, 7]
const LLE_DEFAULT = 5
/** A function has some thousands at most. */
const MAX_SPANS = 1_000_000
const EVERYWHERE: CodeSpan = { start: 0n, end: (1n << 64n) - 1n }
/** Begins an entry of an old list that says what the others count from (DWARF 4 §2.17.3). */
const OLD_BASE = (1n << 64n) - 1n

/** The code that an entry is about (DWARF 5 §2.17). Throws `dwarf.*`. */
export function spansOf(entry: DwarfEntry): readonly CodeSpan[] {
  const list = entry.value(AT.ranges)
  if (list) return readRanges(entry.unit, list)
  const start = entry.address(AT.lowPc)
  const high = entry.value(AT.highPc)
  if (start === undefined || !high) return []
  const end = high.kind === 'constant' ? start + high.value : (entry.address(AT.highPc) ?? start)
  return start < end ? [{ start, end }] : []
}

function readRanges(unit: DwarfUnit, list: FormValue): readonly CodeSpan[] {
  if (unit.version < 5) return oldList(unit, list, '.debug_ranges', false)
  const at = placeOf(unit, list, 'rangesIndex', '.debug_rnglists', AT.rnglistsBase)
  return at === undefined ? [] : newList(unit, '.debug_rnglists', at, false)
}

/** Where something is, by the code that runs: one place for all of it, or a list (DWARF 5 §2.6.2). Throws `dwarf.*`. */
export function locationsOf(entry: DwarfEntry, attribute: number): readonly SpanLocation[] {
  const value = entry.value(attribute)
  if (!value) return []
  if (value.kind === 'block') return [{ ...EVERYWHERE, expression: value.bytes }]
  const { unit } = entry
  if (unit.version < 5) return oldList(unit, value, '.debug_loc', true)
  const at = placeOf(unit, value, 'locationsIndex', '.debug_loclists', AT.loclistsBase)
  return at === undefined ? [] : newList(unit, '.debug_loclists', at, true)
}

function placeOf(
  unit: DwarfUnit,
  value: FormValue,
  indexKind: FormValue['kind'],
  section: string,
  baseAttribute: number,
): number | undefined {
  if (value.kind === 'offset') return value.at
  if (value.kind === 'constant') return Number(value.value)
  if (value.kind !== indexKind || !('index' in value)) return undefined
  const base = unit.base(baseAttribute)
  return base + Number(unit.indexed(section, base, value.index, unit.is64 ? 8 : 4))
}

const NOTHING = new Uint8Array()

function newList(unit: DwarfUnit, section: string, at: number, hasExpressions: boolean): SpanLocation[] {
  const { moved } = unit.file
  const reader = new DwarfReader(unit.file.section(section) ?? NOTHING, `${unit.file.name}, ${section}`)
  reader.skip(at)
  const indexed = (): bigint => unit.indexed('.debug_addr', unit.base(AT.addrBase), reader.length(), 8)
  const found: SpanLocation[] = []
  let base = (unit.root.address(AT.lowPc) ?? moved) - moved
  for (let kind = reader.u8(); kind !== RLE.end; kind = reader.u8()) {
    if (found.length === MAX_SPANS) throw reader.fault('limit', `more than ${MAX_SPANS} ranges in a list`)
    let span: CodeSpan | undefined
    const isDefault = hasExpressions && kind === LLE_DEFAULT
    switch (isDefault ? LLE_DEFAULT : hasExpressions ? AS_RANGE[kind] : kind) {
      case RLE.baseIndex:
        base = indexed()
        break
      case RLE.base:
        if (isDefault) span = EVERYWHERE
        else base = reader.u64()
        break
      case RLE.startIndexEndIndex:
        span = { start: indexed(), end: indexed() }
        break
      case RLE.startIndexLength: {
        const start = indexed()
        span = { start, end: start + reader.uleb() }
        break
      }
      case RLE.offsets:
        span = { start: base + reader.uleb(), end: base + reader.uleb() }
        break
      case RLE.startEnd:
        span = { start: reader.u64(), end: reader.u64() }
        break
      case RLE.startLength: {
        const start = reader.u64()
        span = { start, end: start + reader.uleb() }
        break
      }
      default:
        throw reader.fault('form', `a list entry of unknown kind ${kind}`)
    }
    if (!span) continue
    const expression = hasExpressions ? bytesOf(reader, reader.length()) : NOTHING
    if (span.start < span.end) found.push(isDefault ? { ...span, expression } : { ...at64(span, moved), expression })
  }
  return found
}

function oldList(unit: DwarfUnit, value: FormValue, section: string, hasExpressions: boolean): SpanLocation[] {
  const { moved } = unit.file
  const place = value.kind === 'offset' ? value.at : value.kind === 'constant' ? Number(value.value) : undefined
  if (place === undefined) return []
  const reader = new DwarfReader(unit.file.section(section) ?? NOTHING, `${unit.file.name}, ${section}`)
  reader.skip(place)
  const found: SpanLocation[] = []
  let base = (unit.root.address(AT.lowPc) ?? moved) - moved
  for (;;) {
    if (found.length === MAX_SPANS) throw reader.fault('limit', `more than ${MAX_SPANS} ranges in a list`)
    const [start, end] = [reader.u64(), reader.u64()]
    if (start === OLD_BASE) base = end
    else if (start === 0n && end === 0n) return found
    else {
      const expression = hasExpressions ? bytesOf(reader, reader.u16()) : NOTHING
      if (start < end) found.push({ ...at64({ start: start + base, end: end + base }, moved), expression })
    }
  }
}

function bytesOf(reader: DwarfReader, lengthBytes: number): Uint8Array {
  const from = reader.at
  reader.skip(lengthBytes)
  return reader.bytes.subarray(from, reader.at)
}
function at64({ start, end }: CodeSpan, moved: bigint): CodeSpan {
  return { start: BigInt.asUintN(64, start + moved), end: BigInt.asUintN(64, end + moved) }
}
