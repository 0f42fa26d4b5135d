import { countBefore } from './search.ts'
import { DwarfReader } from './dwarf-reader.ts'
import type { DwarfSections } from './dwarf-unit.ts'

/** How a register of the caller is found (DWARF 5 §6.4.1); offsets count from the frame's canonical address. */
export type RegisterRule =
  | { readonly kind: 'saved' | 'offset'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'savedBy' | 'computed'; readonly expression: Uint8Array }
  | { readonly kind: 'same' | 'undefined' }

/** The frame of a function that has come to an address. */
export interface FrameRules {
  readonly cfa: { readonly register: number; readonly offset: bigint } | { readonly expression: Uint8Array }
  readonly registers: ReadonlyMap<number, RegisterRule>
  /** The register whose rule leads to the return address. */
  readonly returnRegister: number
  /** The frame is of a trap's handler: what it returns to is not behind a call. */
  readonly isSignal: boolean
}

interface Cie {
  readonly codeAlign: bigint
  readonly dataAlign: bigint
  readonly returnRegister: number
  readonly instructions: Uint8Array
  readonly pointerEncoding: number
  readonly hasAugmentation: boolean
  readonly isSignal: boolean
}
interface Fde {
  readonly start: bigint
  readonly end: bigint
  readonly cie: Cie
  readonly instructions: Uint8Array
}

/** Call frame instructions, DWARF 5 §6.4.2; the first three have their operand in the opcode. */
const CFA = {
  setLoc: 0x01,
  advance1: 0x02,
  advance2: 0x03,
  advance4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  same: 0x08,
  register: 0x09,
  remember: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
} as const
const HIGH = { advance: 1, offset: 2, restore: 3 } as const
const MAX_ENTRIES = 4_000_000
const MAX_REMEMBERED = 100
/** Pointer encodings of .eh_frame (LSB Core §10.5.1). */
const PE = {
  absolute: 0x00,
  u2: 0x02,
  u4: 0x03,
  u8: 0x04,
  s2: 0x0a,
  s4: 0x0b,
  s8: 0x0c,
  relative: 0x10,
  omit: 0xff,
} as const

/** How to go from a function's frame to its caller's, from .debug_frame and .eh_frame. Read when first asked. */
export class FrameTable {
  readonly #section: DwarfSections
  readonly #name: string
  readonly #moved: bigint
  readonly #ehFrameAddress: bigint | undefined
  #fdes: readonly Fde[] | undefined

  /** `ehFrameAddress` is where the file has .eh_frame, which counts from there. */
  constructor(
    section: DwarfSections,
    name: string,
    { moved = 0n, ehFrameAddress }: { readonly moved?: bigint; readonly ehFrameAddress?: bigint | undefined } = {},
  ) {
    this.#section = section
    this.#name = name
    this.#moved = moved
    this.#ehFrameAddress = ehFrameAddress
  }
  /** The frame of the function at an address; undefined where the file does not tell. Throws `dwarf.*`. */
  at(address: bigint): FrameRules | undefined {
    const fdes = (this.#fdes ??= this.#readAll())
    const pc = BigInt.asUintN(64, address - this.#moved)
    const count = countBefore(fdes, fde => fde.start <= pc)
    const fde = fdes[count - 1]
    if (!fde || pc >= fde.end) return undefined
    return new FrameProgram(fde.cie, this.#name).run(fde.instructions, fde.start, pc)
  }
  #readAll(): Fde[] {
    const found: Fde[] = []
    for (const [section, isEh] of [
      ['.debug_frame', false],
      ['.eh_frame', true],
    ] as const) {
      const bytes = this.#section(section)
      if (bytes) this.#readSection(new DwarfReader(bytes, `${this.#name}, ${section}`), isEh, found)
    }
    return found.sort((a, b) => (a.start < b.start ? -1 : 1))
  }
  #readSection(reader: DwarfReader, isEh: boolean, found: Fde[]): void {
    const cies = new Map<number, Cie>()
    while (!reader.isAtEnd) {
      const begin = reader.at
      const first = reader.u32()
      if (first === 0) {
        if (isEh) break
        continue
      }
      const is64 = first === 0xffff_ffff
      const lengthBytes = is64 ? reader.offset(true) : first
      const from = reader.at
      reader.skip(lengthBytes)
      const end = reader.at
      reader.at = from
      const id = is64 && !isEh ? reader.u64() : BigInt(reader.u32())
      const isCie = isEh ? id === 0n : id === (is64 ? (1n << 64n) - 1n : 0xffff_ffffn)
      if (isCie) cies.set(begin, readCie(reader, end))
      else {
        if (found.length === MAX_ENTRIES) throw reader.fault('limit', `more than ${MAX_ENTRIES} frames`)
        const cie = cies.get(isEh ? from - Number(id) : reader.size(id))
        const fde = cie && this.#readFde(reader, cie, isEh, end)
        if (fde && fde.start < fde.end) found.push(fde)
      }
      reader.at = end
    }
  }
  #readFde(reader: DwarfReader, cie: Cie, isEh: boolean, end: number): Fde | undefined {
    const encoding = isEh ? cie.pointerEncoding : PE.absolute
    const start = this.#pointer(reader, encoding)
    const length = this.#pointer(reader, encoding & 0x0f)
    if (start === undefined || length === undefined) return undefined
    if (cie.hasAugmentation) reader.skip(reader.length())
    return { start, end: start + length, cie, instructions: reader.bytes.subarray(reader.at, end) }
  }
  /** Undefined for one that needs what is not known here. */
  #pointer(reader: DwarfReader, encoding: number): bigint | undefined {
    const base = (encoding & 0x70) === PE.relative ? this.#ehFrameAddress : 0n
    if (base === undefined || (encoding & 0x60) !== 0) return undefined
    const at = (encoding & 0x70) === PE.relative ? BigInt(reader.at) : 0n
    const value = numberOf(reader, encoding & 0x0f)
    return value === undefined ? undefined : BigInt.asUintN(64, base + at + value)
  }
}

function numberOf(reader: DwarfReader, format: number): bigint | undefined {
  switch (format) {
    case PE.absolute:
    case PE.u8:
    case PE.s8:
      return reader.u64()
    case PE.u2:
      return BigInt(reader.u16())
    case PE.u4:
      return BigInt(reader.u32())
    case PE.s2:
      return BigInt.asIntN(16, BigInt(reader.u16()))
    case PE.s4:
      return BigInt.asIntN(32, BigInt(reader.u32()))
    default:
      return undefined
  }
}

function readCie(reader: DwarfReader, end: number): Cie {
  const version = reader.u8()
  const augmentation = reader.text(16)
  if (version >= 4) reader.skip(2)
  const codeAlign = reader.uleb()
  const dataAlign = reader.sleb()
  const returnRegister = version === 1 ? reader.u8() : reader.length()
  let pointerEncoding: number = PE.absolute
  if (augmentation.startsWith('z')) {
    const length = reader.length()
    const behind = reader.at + length
    reader.skip(length)
    const instructionsAt = reader.at
    reader.at = behind - length
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') pointerEncoding = reader.u8()
      else if (letter === 'L') reader.skip(1)
      else if (letter === 'P') numberOf(reader, reader.u8() & 0x0f)
      else if (letter !== 'S') break
    }
    reader.at = instructionsAt
  }
  return {
    codeAlign,
    dataAlign,
    returnRegister,
    pointerEncoding,
    hasAugmentation: augmentation.startsWith('z'),
    isSignal: augmentation.includes('S'),
    instructions: reader.bytes.subarray(reader.at, end),
  }
}

/** A row of the table that call frame instructions describe. */
interface Row {
  cfa: FrameRules['cfa'] | undefined
  registers: Map<number, RegisterRule>
}

class FrameProgram {
  readonly #cie: Cie
  readonly #name: string
  #row: Row = { cfa: undefined, registers: new Map() }
  #initial: ReadonlyMap<number, RegisterRule> = new Map()
  readonly #remembered: Row[] = []

  constructor(cie: Cie, name: string) {
    this.#cie = cie
    this.#name = name
  }
  run(instructions: Uint8Array, start: bigint, pc: bigint): FrameRules | undefined {
    this.#execute(this.#cie.instructions, start, undefined)
    this.#initial = new Map(this.#row.registers)
    this.#execute(instructions, start, pc)
    const { cfa, registers } = this.#row
    const { returnRegister, isSignal } = this.#cie
    return cfa && { cfa, registers, returnRegister, isSignal }
  }
  /** Up to the row of `pc`. */
  #execute(instructions: Uint8Array, start: bigint, pc: bigint | undefined): void {
    const reader = new DwarfReader(instructions, `${this.#name}, call frame instructions`)
    const { codeAlign, dataAlign } = this.#cie
    let at = start
    while (!reader.isAtEnd) {
      const byte = reader.u8()
      const [high, low] = [byte >>> 6, byte & 0x3f]
      if (high === HIGH.advance) at += BigInt(low) * codeAlign
      else if (high === HIGH.offset) this.#saved(low, reader.uleb() * dataAlign)
      else if (high === HIGH.restore) this.#restore(low)
      else if (low === CFA.advance1) at += BigInt(reader.u8()) * codeAlign
      else if (low === CFA.advance2) at += BigInt(reader.u16()) * codeAlign
      else if (low === CFA.advance4) at += BigInt(reader.u32()) * codeAlign
      else if (low === CFA.setLoc) at = reader.u64()
      else this.#change(low, reader)
      if (pc !== undefined && at > pc) return
    }
  }
  #saved(register: number, offset: bigint): void {
    this.#row.registers.set(register, { kind: 'saved', offset })
  }
  #restore(register: number): void {
    const rule = this.#initial.get(register)
    if (rule) this.#row.registers.set(register, rule)
    else this.#row.registers.delete(register)
  }
  #change(op: number, reader: DwarfReader): void {
    const { dataAlign } = this.#cie
    const { registers } = this.#row
    const block = (): Uint8Array => {
      const length = reader.length()
      const from = reader.at
      reader.skip(length)
      return reader.bytes.subarray(from, reader.at)
    }
    const base = this.#row.cfa && 'register' in this.#row.cfa ? this.#row.cfa : { register: 0, offset: 0n }
    switch (op) {
      case 0:
        return
      case CFA.offsetExtended:
        return this.#saved(reader.length(), reader.uleb() * dataAlign)
      case CFA.offsetExtendedSf:
        return this.#saved(reader.length(), reader.sleb() * dataAlign)
      case CFA.restoreExtended:
        return this.#restore(reader.length())
      case CFA.undefined:
        return void registers.set(reader.length(), { kind: 'undefined' })
      case CFA.same:
        return void registers.set(reader.length(), { kind: 'same' })
      case CFA.register:
        return void registers.set(reader.length(), { kind: 'register', register: reader.length() })
      case CFA.valOffset:
        return void registers.set(reader.length(), { kind: 'offset', offset: reader.uleb() * dataAlign })
      case CFA.valOffsetSf:
        return void registers.set(reader.length(), { kind: 'offset', offset: reader.sleb() * dataAlign })
      case CFA.expression:
        return void registers.set(reader.length(), { kind: 'savedBy', expression: block() })
      case CFA.valExpression:
        return void registers.set(reader.length(), { kind: 'computed', expression: block() })
      case CFA.remember:
        if (this.#remembered.length === MAX_REMEMBERED) throw reader.fault('limit', 'too many remembered rows')
        return void this.#remembered.push({ cfa: this.#row.cfa, registers: new Map(registers) })
      case CFA.restoreState: {
        const row = this.#remembered.pop()
        if (!row) throw reader.fault('form', 'no row was remembered')
        this.#row = row
        return
      }
      case CFA.defCfa:
        return void (this.#row.cfa = { register: reader.length(), offset: reader.uleb() })
      case CFA.defCfaSf:
        return void (this.#row.cfa = { register: reader.length(), offset: reader.sleb() * dataAlign })
      case CFA.defCfaRegister:
        return void (this.#row.cfa = { ...base, register: reader.length() })
      case CFA.defCfaOffset:
        return void (this.#row.cfa = { ...base, offset: reader.uleb() })
      case CFA.defCfaOffsetSf:
        return void (this.#row.cfa = { ...base, offset: reader.sleb() * dataAlign })
      case CFA.defCfaExpression:
        return void (this.#row.cfa = { expression: block() })
      default:
        throw reader.fault('form', `an unknown call frame instruction ${op}`)
    }
  }
}
