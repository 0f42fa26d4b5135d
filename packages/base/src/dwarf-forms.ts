import { FORM } from './dwarf-constants.ts'
import type { DwarfReader } from './dwarf-reader.ts'

/**
 * An attribute's value by its class (DWARF 5 §7.5.5). A text of another section is at an offset; an index leads through a table
 * of the unit; a reference is the place of an entry in .debug_info.
 */
export type FormValue =
  | { readonly kind: 'address' | 'constant'; readonly value: bigint }
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'strings' | 'lineStrings' | 'offset' | 'reference'; readonly at: number }
  | { readonly kind: 'stringIndex' | 'addressIndex' | 'rangesIndex' | 'locationsIndex'; readonly index: number }

/** How numbers are written in a unit. */
export interface UnitFormat {
  readonly version: number
  readonly is64: boolean
  /** Where the unit begins: references count from there. */
  readonly offset: number
}

const MAX_TEXT_BYTES = 4096
const constant = (value: bigint | number): FormValue => ({ kind: 'constant', value: BigInt(value) })
const u24 = (reader: DwarfReader): number => reader.u8() | (reader.u16() << 8)

/** Reads a value. Throws `dwarf.truncated`, and `dwarf.form` for a form that is not known. */
export function readFormValue(reader: DwarfReader, form: number, unit: UnitFormat): FormValue {
  const block = (lengthBytes: number): FormValue => {
    const from = reader.at
    reader.skip(lengthBytes)
    return { kind: 'block', bytes: reader.bytes.subarray(from, reader.at) }
  }
  const reference = (at: number): FormValue => ({ kind: 'reference', at: unit.offset + at })
  switch (form) {
    case FORM.addr:
      return { kind: 'address', value: reader.u64() }
    case FORM.block1:
      return block(reader.u8())
    case FORM.block2:
      return block(reader.u16())
    case FORM.block4:
      return block(reader.u32())
    case FORM.block:
    case FORM.exprloc:
      return block(reader.length())
    case FORM.data1:
    case FORM.flag:
      return constant(reader.u8())
    case FORM.data2:
      return constant(reader.u16())
    case FORM.data4:
      // Before version 4 these were offsets, too; whoever expects one takes the constant for it.
      return constant(reader.u32())
    case FORM.data8:
      return constant(reader.u64())
    case FORM.data16:
      return block(16)
    case FORM.sdata:
      return constant(reader.sleb())
    case FORM.udata:
      return constant(reader.uleb())
    case FORM.flagPresent:
      return constant(1)
    case FORM.string:
      return { kind: 'text', text: reader.text(MAX_TEXT_BYTES) }
    case FORM.strp:
      return { kind: 'strings', at: reader.offset(unit.is64) }
    case FORM.lineStrp:
      return { kind: 'lineStrings', at: reader.offset(unit.is64) }
    case FORM.strx:
      return { kind: 'stringIndex', index: reader.length() }
    case FORM.strx1:
      return { kind: 'stringIndex', index: reader.u8() }
    case FORM.strx2:
      return { kind: 'stringIndex', index: reader.u16() }
    case FORM.strx3:
      return { kind: 'stringIndex', index: u24(reader) }
    case FORM.strx4:
      return { kind: 'stringIndex', index: reader.u32() }
    case FORM.addrx:
      return { kind: 'addressIndex', index: reader.length() }
    case FORM.addrx1:
      return { kind: 'addressIndex', index: reader.u8() }
    case FORM.addrx2:
      return { kind: 'addressIndex', index: reader.u16() }
    case FORM.addrx3:
      return { kind: 'addressIndex', index: u24(reader) }
    case FORM.addrx4:
      return { kind: 'addressIndex', index: reader.u32() }
    case FORM.loclistx:
      return { kind: 'locationsIndex', index: reader.length() }
    case FORM.rnglistx:
      return { kind: 'rangesIndex', index: reader.length() }
    case FORM.secOffset:
      return { kind: 'offset', at: reader.offset(unit.is64) }
    case FORM.ref1:
      return reference(reader.u8())
    case FORM.ref2:
      return reference(reader.u16())
    case FORM.ref4:
      return reference(reader.u32())
    case FORM.ref8:
      return reference(reader.size(reader.u64()))
    case FORM.refUdata:
      return reference(reader.length())
    case FORM.refAddr:
      return { kind: 'reference', at: reader.offset(unit.is64) }
    case FORM.refSig8:
    case FORM.refSup8:
      // Type units and supplementary files are not read: nothing is at such a place.
      reader.skip(8)
      return { kind: 'reference', at: Infinity }
    case FORM.refSup4:
      reader.skip(4)
      return { kind: 'reference', at: Infinity }
    case FORM.strpSup:
      reader.offset(unit.is64)
      return { kind: 'text', text: '' }
    case FORM.indirect: {
      const actual = reader.length()
      if (actual === FORM.indirect || actual === FORM.implicitConst) throw reader.fault('form', 'a form in a circle')
      return readFormValue(reader, actual, unit)
    }
    default:
      throw reader.fault('form', `a value of unknown form ${form}`)
  }
}
