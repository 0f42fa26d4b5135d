import { ElfBytes, isElf, SECTION_HEADER_BYTES } from './elf.ts'
import { DoppelError } from './errors.ts'
import { utf8Text } from './text.ts'

/** Unpacks zlib's format (RFC 1950) into so many bytes at most; throws for what is none. */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array

const SHT_NOBITS = 8
const SHF_COMPRESSED = 0x800n
const ELFCOMPRESS_ZLIB = 1
const COMPRESSION_HEADER_BYTES = 24
/** A whole debug kernel's largest section is a third of this. */
const MAX_SECTION_BYTES = 1 << 30
const MAX_NAME_BYTES = 256

/**
 * The sections of a file that `parseElf` has taken, by those of the names that it has. Compressed ones are unpacked (gABI
 * "Section Compression"). Throws `elf.truncated`, and `elf.compression` where that cannot be done.
 */
export function elfSections(
  bytes: Uint8Array,
  name: string,
  wanted: readonly string[],
  inflate?: Inflate,
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  if (!isElf(bytes)) return found
  const file = new ElfBytes(bytes, name)
  const table = file.table(40, 58, 60, SECTION_HEADER_BYTES, 'section header')
  const header = (index: number): number => table.offset + index * SECTION_HEADER_BYTES
  const namesIndex = table.count === 0 ? 0 : file.u16(62)
  if (namesIndex === 0 || namesIndex >= table.count) return found
  const names = file.section(header(namesIndex), 'section name table')
  for (let i = 0; i < table.count; i++) {
    const at = header(i)
    const title = textAt(names, file.u32(at))
    if (!wanted.includes(title) || found.has(title) || file.u32(at + 4) === SHT_NOBITS) continue
    const section = file.section(at, title)
    found.set(title, file.u64(at + 8) & SHF_COMPRESSED ? unpacked(section, `${name}, ${title}`, inflate) : section)
  }
  return found
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
