import { type EncodedField, type Encoding, insertField } from './encoding.ts'
import { type Isa, isaUsage } from './engine.ts'
import { type CompressedRow, slotOf } from './insn.ts'
import type { Usage } from './usage.ts'

/** Names that an instruction set's assembly language gives to numbers. */
export interface AssemblyNames {
  /** Register file → its registers in order. */
  readonly registers: Readonly<Record<string, readonly string[]>>
  /** The file of registers that a meaning never touches (the operand is part of the syntax all the same). */
  readonly defaultFile: string
  /** Registers of the default file that a short form implies without saying so. */
  readonly implied: readonly number[]
  /** Field → its values by name: control registers, rounding modes. Values without a name are written as numbers. */
  readonly values: Readonly<Record<string, ReadonlyMap<string, number>>>
  /** Field → the value that is left out when it comes last. */
  readonly defaults: Readonly<Record<string, number>>
  /** Field → one letter for each of its bits, from the highest. */
  readonly sets: Readonly<Record<string, string>>
  /** One-bit fields that are written as parts of the mnemonic's last suffix. */
  readonly suffixes: readonly string[]
}

/** One operand of an instruction as it is written. */
export type OperandSyntax =
  | { readonly kind: 'register'; readonly field: EncodedField | number; readonly file: string }
  /** `style`: decimal, hexadecimal, or the upper bits of a constant (shifted down, hexadecimal). */
  | { readonly kind: 'integer'; readonly field: EncodedField; readonly style: 'decimal' | 'hex' | 'upper' }
  /** An address, encoded as its distance from the instruction. */
  | { readonly kind: 'target'; readonly field: EncodedField }
  | { readonly kind: 'memory'; readonly offset: EncodedField | undefined; readonly base: EncodedField | number }
  | { readonly kind: 'named'; readonly field: EncodedField; readonly names: ReadonlyMap<string, number> }
  | { readonly kind: 'set'; readonly field: EncodedField; readonly letters: string }

/** How one instruction is written. */
export interface InstructionSyntax {
  readonly name: string
  readonly encoding: Encoding
  readonly operands: readonly OperandSyntax[]
  readonly suffixes: readonly EncodedField[]
  /** Bits of operands that the meaning ignores: 0 in assembled code; a word that has them set is written as data. */
  readonly reserved: number
}

/** Constants below this bit are written whole; a field that begins here holds the upper part of one. */
const UPPER_BIT = 12

type Source = EncodedField | number

interface Form {
  readonly name: string
  readonly encoding: Encoding
  /** The field (or fixed value) for a field of the long form; undefined when there is none. */
  readonly source: (field: string) => Source | undefined
  readonly short: boolean
}

/** Derives how every instruction of a set is written: long forms in the rows' order, then short ones. */
export function deriveSyntax<M>(isa: Isa<M>, names: AssemblyNames): InstructionSyntax[] {
  const usages = isaUsage(isa)
  const long = isa.set.rows.map((row, i) => {
    const source = (field: string): Source | undefined => row.encoding.fields.find(f => f.name === field)
    const fields = row.encoding.fields.map(f => f.name)
    return instruction({ ...row, source, short: false }, fields, usages[i] as Usage, names)
  })
  const short = isa.set.compressed.map((row: CompressedRow) => {
    const expanded = isa.set.index(row.expandsTo)
    const source = (field: string): Source | undefined => {
      const from = row.fields[field]
      return typeof from === 'string' ? row.encoding.fields.find(f => f.name === from) : from
    }
    return instruction({ ...row, source, short: true }, Object.keys(row.fields), usages[expanded] as Usage, names)
  })
  return [...long, ...short]
}

function instruction(form: Form, fields: readonly string[], usage: Usage, names: AssemblyNames): InstructionSyntax {
  const used = fields.filter(field => {
    const slot = slotOf(field)
    return field in names.sets || names.suffixes.includes(field) || (slot !== undefined && usage.operands.has(slot))
  })
  let reserved = 0
  for (const name of fields.filter(f => !used.includes(f))) {
    const field = form.source(name)
    if (typeof field === 'object') reserved |= insertField({ ...field, bias: 0 }, -1)
  }
  const suffixes = names.suffixes.flatMap(name => form.encoding.fields.filter(f => f.name === name))
  const { name, encoding } = form
  return { name, encoding, operands: operandsOf(form, used, usage, names), suffixes, reserved: reserved >>> 0 }
}

function operandsOf(form: Form, used: readonly string[], usage: Usage, names: AssemblyNames): OperandSyntax[] {
  const file = (slot: string): string =>
    [...usage.writes, ...usage.reads].find(u => u.slot === slot)?.file.name ?? names.defaultFile
  const written = new Set<Source>()
  const register = (name: string): OperandSyntax[] => {
    const field = used.includes(name) ? form.source(name) : undefined
    // A short form says an operand once, and nothing of those that go without saying.
    if (field === undefined || written.has(field) || (form.short && names.implied.includes(field as number))) return []
    written.add(field)
    return [{ kind: 'register', field, file: file(name) }]
  }
  const immediate = used.filter(field => slotOf(field) === 'imm' || slotOf(field) === 'uimm')
  const constant = (name: string): OperandSyntax[] => {
    const field = form.source(name)
    if (typeof field !== 'object') return []
    const known = names.values[name]
    if (known) return [{ kind: 'named', field, names: known }]
    if (usage.flow === 'branch' || usage.flow === 'jump') return [{ kind: 'target', field }]
    const lowest = Math.min(...field.parts.map(p => p.to))
    const style = lowest >= UPPER_BIT ? 'upper' : name === 'shamt' ? 'hex' : 'decimal'
    return [{ kind: 'integer', field, style }]
  }
  const sets = used.flatMap((name): OperandSyntax[] => {
    const field = form.source(name)
    const letters = names.sets[name]
    return letters && typeof field === 'object' ? [{ kind: 'set', field, letters }] : []
  })
  const base = form.source('rs1')
  if (
    (usage.memory || (usage.flow === 'indirect' && !(form.short && form.source('imm') === 0))) &&
    base !== undefined
  ) {
    const offset = form.source('imm')
    const memory: OperandSyntax = { kind: 'memory', offset: typeof offset === 'object' ? offset : undefined, base }
    return [...register('rd'), ...register('rs2'), memory]
  }
  const control = used.includes('csr') ? constant('csr') : []
  const registers = control.length > 0 ? [...register('rd'), ...control] : register('rd')
  registers.push(...['rs1', 'rs2', 'rs3'].flatMap(register))
  return [...registers, ...sets, ...immediate.filter(name => name !== 'csr').flatMap(constant)]
}
