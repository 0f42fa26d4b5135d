import { DoppelError } from './errors.ts'
import { hex, utf8Text } from './text.ts'

/** e_machine values of the instruction sets there are (gABI, "ELF Header"). */
export const EM_X86_64 = 62
export const EM_RISCV = 243

/** A loadable piece (PT_LOAD). `bytes` is a view of the file; the rest up to `memoryBytes` is zero. */
export interface ElfSegment {
  readonly virtualAddress: bigint
  readonly physicalAddress: bigint
  readonly bytes: Uint8Array
  readonly memoryBytes: number
  readonly executable: boolean
  readonly writable: boolean
}

/** An entry of the symbol table. `type` is STT_*: 0 none, 1 object, 2 function. */
export interface ElfSymbol {
  readonly name: string
  readonly value: bigint
  readonly sizeBytes: bigint
  readonly type: number
}

/** A checked ELF64 little-endian file. */
export interface ElfFile {
  readonly machine: number
  /** e_type: 2 is an executable, 3 is position independent. */
  readonly type: number
  readonly entry: bigint
  /** PT_LOAD entries in file order, empty ones left out. */
  readonly segments: readonly ElfSegment[]
  /** Named symbols of .symtab; empty when the file is stripped. */
  readonly symbols: readonly ElfSymbol[]
}

/** What `parseElf` is told about the file. */
export interface ElfExpectation {
  /** How error messages name the file, e.g. its path. */
  readonly name: string
  /** The only e_machine to accept. */
  readonly machine?: number
}

const HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
/** Of a section header. */
export const SECTION_HEADER_BYTES = 64
const SYMBOL_BYTES = 24
const PT_LOAD = 1
const SHT_SYMTAB = 2
const SHT_STRTAB = 3
/** Real files have a dozen segments; a hostile one must not make a loader copy for hours. */
const MAX_SEGMENTS = 1024
/** Larger than a debug kernel's table. */
const MAX_SYMBOLS = 2_000_000
/** A longer name is cut: overlapping endless names would cost the square of the file's size. */
const MAX_NAME_BYTES = 4096

/** True when `bytes` begin as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

/**
 * Reads an ELF64 little-endian file (gABI ch. 4 and 5). Throws `elf.magic`, `elf.class`, `elf.machine`, `elf.truncated`
 * (something lies outside the file), `elf.segment` or `elf.limit`; never anything else, whatever the bytes.
 */
export function parseElf(bytes: Uint8Array, { name, machine: wanted }: ElfExpectation): ElfFile {
  if (!isElf(bytes))
    throw new DoppelError('elf.magic', `${name} is not an ELF file: it does not begin with 7f 45 4c 46`, { name })
  const file = new ElfBytes(bytes, name)
  file.need(0, HEADER_BYTES, 'its header')
  if (bytes[4] !== 2 || bytes[5] !== 1) {
    const is = `${bytes[4] === 1 ? '32' : '64'}-bit ${bytes[5] === 2 ? 'big' : 'little'}-endian`
    throw new DoppelError('elf.class', `${name} is ${is}; expected a 64-bit little-endian ELF file`, { name })
  }
  const machine = file.u16(18)
  if (wanted !== undefined && machine !== wanted) {
    const expected = `${wanted}${machineName(wanted)}`
    throw new DoppelError(
      'elf.machine',
      `${name} is for e_machine ${machine}${machineName(machine)}; expected ${expected}`,
      { name, machine, expected: wanted },
    )
  }
  return { machine, type: file.u16(16), entry: file.u64(24), segments: readSegments(file), symbols: readSymbols(file) }
}

function machineName(machine: number): string {
  const names: Readonly<Record<number, string>> = {
    3: ' (x86)',
    40: ' (Arm)',
    [EM_X86_64]: ' (x86-64)',
    183: ' (AArch64)',
    [EM_RISCV]: ' (RISC-V)',
  }
  return names[machine] ?? ''
}

function readSegments(file: ElfBytes): ElfSegment[] {
  const table = file.table(32, 54, 56, PROGRAM_HEADER_BYTES, 'program header')
  const segments: ElfSegment[] = []
  for (let i = 0; i < table.count; i++) {
    const at = table.offset + i * PROGRAM_HEADER_BYTES
    if (file.u32(at) !== PT_LOAD) continue
    const [offset, fileBytes, memoryBytes] = [file.size(at + 8), file.size(at + 32), file.size(at + 40)]
    const virtualAddress = file.u64(at + 16)
    if (memoryBytes === 0) continue
    const wraps = memoryBytes === Infinity || virtualAddress + BigInt(memoryBytes) > 1n << 64n
    if (fileBytes > memoryBytes || wraps) {
      throw new DoppelError(
        'elf.segment',
        `${file.name}: segment ${i} at ${hex(virtualAddress)} has ${fileBytes} bytes in the file for ${memoryBytes} in memory`,
        { name: file.name, segment: i },
      )
    }
    file.need(offset, fileBytes, `segment ${i}`)
    if (segments.length === MAX_SEGMENTS) throw tooMany(file.name, 'segments', MAX_SEGMENTS)
    const flags = file.u32(at + 4)
    segments.push({
      virtualAddress,
      physicalAddress: file.u64(at + 24),
      bytes: file.bytes.subarray(offset, offset + fileBytes),
      memoryBytes,
      executable: (flags & 1) !== 0,
      writable: (flags & 2) !== 0,
    })
  }
  return segments
}

function readSymbols(file: ElfBytes): ElfSymbol[] {
  const table = file.table(40, 58, 60, SECTION_HEADER_BYTES, 'section header')
  for (let i = 0; i < table.count; i++) {
    const at = table.offset + i * SECTION_HEADER_BYTES
    if (file.u32(at + 4) !== SHT_SYMTAB) continue
    const link = file.u32(at + 40)
    const strings = table.offset + link * SECTION_HEADER_BYTES
    if (link >= table.count || file.u32(strings + 4) !== SHT_STRTAB) return []
    return readSymbolTable(file, file.section(at, 'symbol table'), file.section(strings, 'string table'))
  }
  return []
}

function readSymbolTable(file: ElfBytes, symbols: Uint8Array, strings: Uint8Array): ElfSymbol[] {
  const count = Math.floor(symbols.length / SYMBOL_BYTES)
  if (count > MAX_SYMBOLS) throw tooMany(file.name, 'symbols', MAX_SYMBOLS)
  const view = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength)
  const found: ElfSymbol[] = []
  for (let i = 0; i < count; i++) {
    const at = i * SYMBOL_BYTES
    const name = view.getUint32(at, true)
    if (name === 0 || name >= strings.length) continue
    const window = strings.subarray(name, name + MAX_NAME_BYTES)
    const end = window.indexOf(0)
    found.push({
      name: utf8Text(end < 0 ? window : window.subarray(0, end)),
      value: view.getBigUint64(at + 8, true),
      sizeBytes: view.getBigUint64(at + 16, true),
      type: view.getUint8(at + 4) & 15,
    })
  }
  return found
}

function tooMany(name: string, what: string, limit: number): DoppelError {
  return new DoppelError('elf.limit', `${name} has more than ${limit} ${what}`, { name, limit })
}

/** The file with bounds checks that name what was cut off. */
export class ElfBytes {
  readonly bytes: Uint8Array
  readonly name: string
  readonly #view: DataView

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.name = name
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }
  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true)
  }
  /** A 64-bit offset or size as a number; what no file reaches becomes Infinity, which no bound admits. */
  size(at: number): number {
    const value = this.u64(at)
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Infinity
  }
  need(offset: number, lengthBytes: number, what: string): void {
    if (offset + lengthBytes <= this.bytes.length) return
    throw new DoppelError(
      'elf.truncated',
      `${this.name} is truncated: ${what} would end at byte ${offset + lengthBytes} of ${this.bytes.length}`,
      { name: this.name, lengthBytes: this.bytes.length },
    )
  }
  /** Where a header table lies, from the ELF header's fields at these offsets. */
  table(
    offsetAt: number,
    entryAt: number,
    countAt: number,
    entryBytes: number,
    what: string,
  ): { offset: number; count: number } {
    const offset = this.size(offsetAt)
    const count = this.u16(countAt)
    if (count === 0) return { offset: 0, count: 0 }
    if (this.u16(entryAt) !== entryBytes) {
      throw new DoppelError(
        'elf.class',
        `${this.name}: a ${what} has ${this.u16(entryAt)} bytes, expected ${entryBytes}`,
        {
          name: this.name,
        },
      )
    }
    this.need(offset, count * entryBytes, `the ${what} table`)
    return { offset, count }
  }
  section(header: number, what: string): Uint8Array {
    const [offset, lengthBytes] = [this.size(header + 24), this.size(header + 32)]
    this.need(offset, lengthBytes, `the ${what}`)
    return this.bytes.subarray(offset, offset + lengthBytes)
  }
}
