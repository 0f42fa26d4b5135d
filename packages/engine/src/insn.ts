import { assert } from '@doppel/base'
import { type Encoding, extractField, insertField, matches, parseEncoding } from './encoding.ts'

/** What a semantics function sees of an operand: opaque, read through the machine it is run against. */
export type Operand = number

/** The operands of one instruction, by the names its encoding gives them. */
export interface Operands {
  rd: Operand
  rs1: Operand
  rs2: Operand
  rs3: Operand
  imm: Operand
  uimm: Operand
}

/** One instruction: encoding as the manual prints it, and its one meaning, over any machine `M`. */
export interface InstructionRow<M> {
  readonly name: string
  readonly encoding: Encoding
  readonly semantics: (m: M, f: Readonly<Operands>) => void
}

/** A short form of another instruction: the same meaning with the fields given here. */
export interface CompressedRow {
  readonly name: string
  readonly encoding: Encoding
  readonly expandsTo: string
  /** Field of the long form → field of the short form, or a fixed value. */
  readonly fields: Readonly<Record<string, string | number>>
}

/** Declares an instruction. */
export function insn<M>(
  name: string,
  encoding: string,
  semantics: (m: M, f: Readonly<Operands>) => void,
): InstructionRow<M> {
  return { name, encoding: parseEncoding(encoding), semantics }
}

/** Declares a compressed instruction by what it expands to. */
export function compressed(
  name: string,
  encoding: string,
  expandsTo: string,
  fields: Readonly<Record<string, string | number>>,
): CompressedRow {
  return { name, encoding: parseEncoding(encoding), expandsTo, fields }
}

/** An instruction as decoded: a row's index and operand values. Mutable so that decoding allocates nothing. */
export interface Decoded {
  /** Index of the row; -1 for an illegal instruction. */
  row: number
  lengthBytes: 2 | 4
  rd: number
  rs1: number
  rs2: number
  rs3: number
  /** The immediate, signed or not, or whatever plain number the row has (csr, rm, shamt). */
  imm: number
  uimm: number
}

/** An empty one, to decode into. */
export function newDecoded(): Decoded {
  return { row: -1, lengthBytes: 4, rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, uimm: 0 }
}

/** Fields that share the `imm` slot: no encoding has two of them. */
const IMM_FIELDS = new Set(['imm', 'shamt', 'csr', 'rm'])
type Slot = 'rd' | 'rs1' | 'rs2' | 'rs3' | 'imm' | 'uimm'
const SLOTS = new Set<string>(['rd', 'rs1', 'rs2', 'rs3', 'imm', 'uimm'])

/** The decoded slot that a field of an encoding fills; undefined for fields without meaning to us (fence's fm, aq, rl). */
export function slotOf(field: string): Slot | undefined {
  if (IMM_FIELDS.has(field)) return 'imm'
  return SLOTS.has(field) ? (field as Slot) : undefined
}

/** Stores by name: a computed key would be looked up each time. */
function setSlot(out: Decoded, slot: Slot, value: number): void {
  switch (slot) {
    case 'rd':
      out.rd = value
      break
    case 'rs1':
      out.rs1 = value
      break
    case 'rs2':
      out.rs2 = value
      break
    case 'rs3':
      out.rs3 = value
      break
    case 'imm':
      out.imm = value
      break
    case 'uimm':
      out.uimm = value
  }
}

interface DecodeEntry {
  readonly encoding: Encoding
  readonly row: number
  readonly lengthBytes: 2 | 4
  readonly fill: readonly { readonly slot: Slot; readonly from: Encoding['fields'][number] | number }[]
}

/** Rows made into a decoder. Lookup is by the low bits that every encoding fixes, then a short scan. */
export class InstructionSet<M> {
  readonly rows: readonly InstructionRow<M>[]
  readonly compressed: readonly CompressedRow[]
  readonly #byName = new Map<string, number>()
  readonly #buckets: DecodeEntry[][] = Array.from({ length: 512 }, () => [])

  constructor(rows: readonly InstructionRow<M>[], short: readonly CompressedRow[]) {
    this.rows = rows
    this.compressed = short
    rows.forEach((row, i) => {
      assert(!this.#byName.has(row.name), `two rows are named ${row.name}`)
      this.#byName.set(row.name, i)
      const fill = row.encoding.fields.flatMap(from => {
        const slot = slotOf(from.name)
        return slot ? [{ slot, from }] : []
      })
      this.#add({ encoding: row.encoding, row: i, lengthBytes: row.encoding.lengthBits === 16 ? 2 : 4, fill })
    })
    for (const c of short) {
      const fill = Object.entries(c.fields).map(([target, source]) => {
        const slot = slotOf(target)
        const from = typeof source === 'number' ? source : c.encoding.fields.find(f => f.name === source)
        assert(slot !== undefined && from !== undefined, `${c.name} fills ${target} from ${source}`)
        return { slot, from }
      })
      this.#add({ encoding: c.encoding, row: this.index(c.expandsTo), lengthBytes: 2, fill })
    }
  }

  /** A row's index by its name; a bug of ours when there is none. */
  index(name: string): number {
    const i = this.#byName.get(name)
    assert(i !== undefined, `no instruction is named ${name}`)
    return i
  }

  #add(entry: DecodeEntry): void {
    const wide = entry.lengthBytes === 4
    for (let key = 0; key < 256; key++) {
      // Wide: opcode[6:2] and funct3. Narrow: quadrant and funct3.
      const word = wide ? ((key >> 3) << 2) | 3 | ((key & 7) << 12) : (key & 3) | ((key >> 2) << 13)
      const known = wide ? 0x707f : 0xe003
      if ((word & entry.encoding.mask) === (entry.encoding.match & known)) {
        if (wide || key < 32) this.#buckets[wide ? key : 256 + key]?.push(entry)
      }
    }
  }

  /** Decodes a word (its low half first; for short instructions the high half is ignored) into `out`. */
  decode(word: number, out: Decoded): void {
    const wide = (word & 3) === 3
    const key = wide ? ((word >>> 2) & 31) * 8 + ((word >>> 12) & 7) : 256 + (word & 3) + ((word >>> 13) & 7) * 4
    const bits = wide ? word : word & 0xffff
    out.rd = out.rs1 = out.rs2 = out.rs3 = out.imm = out.uimm = 0
    out.lengthBytes = wide ? 4 : 2
    for (const entry of this.#buckets[key] as DecodeEntry[]) {
      if (!matches(entry.encoding, bits)) continue
      out.row = entry.row
      for (const { slot, from } of entry.fill)
        setSlot(out, slot, typeof from === 'number' ? from : extractField(from, bits))
      return
    }
    out.row = -1
  }

  /** The names of all rows (short ones too) whose encoding the word has. For tests: there must be at most one. */
  matching(word: number): string[] {
    const bits = (word & 3) === 3 ? 32 : 16
    return [...this.rows, ...this.compressed]
      .filter(r => r.encoding.lengthBits === bits && matches(r.encoding, bits === 32 ? word : word & 0xffff))
      .map(r => r.name)
  }
}

/** The instruction word with the given field values; fields not given are 0. */
export function encode(encoding: Encoding, values: Readonly<Record<string, number>>): number {
  let word = encoding.match
  for (const field of encoding.fields) {
    word |= insertField(field, values[field.name] ?? field.bias)
  }
  return word >>> 0
}
