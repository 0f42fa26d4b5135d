import { ElfBytes, isElf, SECTION_HEADER_BYTES } from './elf.ts'
import { DoppelError } from './errors.ts'
import { utf8Text } from './text.ts'

/** Unpacks zlib's format (RFC 1950) into so many bytes at most; throws for what is none. */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array

const SHT_NOBITS = 8
const FILE_HEADER_BYTES = 64
const SHF_COMPRESSED = 0x800n
const ELFCOMPRESS_ZLIB = 1
const COMPRESSION_HEADER_BYTES = 24
/** A whole debug kernel's largest section is a third of this. */
const MAX_SECTION_BYTES = 1 << 30
const MAX_NAME_BYTES = 256

/** Reads so many bytes of a file from an offset on; fewer where it ends before. */
export type ReadBytes = (offset: number, lengthBytes: number) => Uint8Array

interface SectionHeader {
  readonly type: number
  readonly flags: bigint
  readonly address: bigint
  readonly offset: number
  readonly lengthBytes: number
}

/** The sections of an ELF64 little-endian file, of which only what is asked for is read (gABI "Sections"). */
export class ElfSectionTable {
  readonly #read: ReadBytes
  readonly #name: string
  readonly #inflate: Inflate | undefined
  readonly #headers = new Map<string, SectionHeader>()

  /** Reads the headers; there are none where the file is another. Throws `elf.truncated`, `elf.class`. */
  constructor(read: ReadBytes, name: string, inflate?: Inflate) {
    this.#read = read
    this.#name = name
    this.#inflate = inflate
    const begin = read(0, FILE_HEADER_BYTES)
    if (!isElf(begin)) return
    const file = new ElfBytes(this.#take(0, FILE_HEADER_BYTES, 'its header'), name)
    const [offset, entryBytes, count, namesIndex] = [file.size(40), file.u16(58), file.u16(60), file.u16(62)]
    if (count === 0 || namesIndex === 0 || namesIndex >= count) return
    if (entryBytes !== SECTION_HEADER_BYTES) {
      const expected = `${entryBytes} bytes, expected ${SECTION_HEADER_BYTES}`
      throw new DoppelError('elf.class', `${name}: a section header has ${expected}`, { name })
    }
    const table = new ElfBytes(this.#take(offset, count * SECTION_HEADER_BYTES, 'the section header table'), name)
    const headers = Array.from({ length: count }, (_, i): SectionHeader & { readonly title: number } => {
      const at = i * SECTION_HEADER_BYTES
      return {
        title: table.u32(at),
        type: table.u32(at + 4),
        flags: table.u64(at + 8),
        address: table.u64(at + 16),
        offset: table.size(at + 24),
        lengthBytes: table.size(at + 32),
      }
    })
    const { offset: namesAt, lengthBytes } = headers[namesIndex] as SectionHeader
    const names = this.#take(namesAt, lengthBytes, 'the section name table')
    for (const header of headers) {
      const title = textAt(names, header.title)
      if (header.type !== SHT_NOBITS && !this.#headers.has(title)) this.#headers.set(title, header)
    }
  }
  #take(offset: number, lengthBytes: number, what: string): Uint8Array {
    const bytes = lengthBytes <= MAX_SECTION_BYTES ? this.#read(offset, lengthBytes) : undefined
    if (bytes?.length === lengthBytes) return bytes
    throw new DoppelError('elf.truncated', `${this.#name} is truncated: ${what} would end behind the file`, {
      name: this.#name,
    })
  }
  /** A section's bytes, unpacked (gABI "Section Compression"). Throws `elf.truncated`, and `elf.compression` where that cannot be done. */
  section(title: string): Uint8Array | undefined {
    const header = this.#headers.get(title)
    if (!header) return undefined
    const bytes = this.#take(header.offset, header.lengthBytes, `the ${title}`)
    return header.flags & SHF_COMPRESSED ? unpacked(bytes, `${this.#name}, ${title}`, this.#inflate) : bytes
  }
  /** Where the file says that a section is in memory. */
  address(title: string): bigint | undefined {
    return this.#headers.get(title)?.address
  }
}

/** The sections of a file that `parseElf` has taken, by those of the names that it has. Throws `elf.truncated`, `elf.compression`. */
export function elfSections(
  bytes: Uint8Array,
  name: string,
  wanted: readonly string[],
  inflate?: Inflate,
): Map<string, Uint8Array> {
  const table = new ElfSectionTable((offset, length) => bytes.subarray(offset, offset + length), name, inflate)
  return new Map(
    wanted.flatMap(title => {
      const section = table.section(title)
      return section ? [[title, section] as const] : []
    }),
  )
}

function textAt(names: Uint8Array, at: number): string {
  const window = names.subarray(at, at + MAX_NAME_BYTES)
  const end = window.indexOf(0)
  return utf8Text(end < 0 ? window : window.subarray(0, end))
}

function unpacked(section: Uint8Array, what: string, inflate: Inflate | undefined): Uint8Array {
  const fault = (why: string, cause?: unknown): DoppelError =>
    new DoppelError('elf.compression', `${what} cannot be unpacked: ${why}`, { what }, cause)
  if (section.length < COMPRESSION_HEADER_BYTES) throw fault('it is too short')
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength)
  const [type, lengthBytes] = [view.getUint32(0, true), view.getBigUint64(8, true)]
  if (type !== ELFCOMPRESS_ZLIB || !inflate) throw fault(`type ${type} is not known here; expected zlib`)
  if (lengthBytes > BigInt(MAX_SECTION_BYTES)) throw fault(`it would have ${lengthBytes} bytes`)
  try {
    return inflate(section.subarray(COMPRESSION_HEADER_BYTES), Number(lengthBytes))
  } catch (error) {
    throw fault(error instanceof Error ? error.message : String(error), error)
  }
}
