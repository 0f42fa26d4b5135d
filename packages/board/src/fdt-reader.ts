import { DoppelError, utf8Text } from '@doppel/base'
import { FDT_BEGIN_NODE, FDT_END, FDT_END_NODE, FDT_HEADER_BYTES, FDT_MAGIC, FDT_NOP, FDT_PROP } from './fdt.ts'

/** A node read from a blob: raw property bytes, children by name with unit address. */
export interface FdtTree {
  readonly properties: ReadonlyMap<string, Uint8Array>
  readonly children: ReadonlyMap<string, FdtTree>
}

/** Deeper than any real tree; the reader recurses. */
const MAX_DEPTH = 64

/**
 * Reads a flattened device tree blob (Devicetree Specification 0.4 §5). Throws `fdt.magic`, `fdt.truncated`, or
 * `fdt.structure` for tokens out of order or nodes nested too deeply; never anything else, whatever the bytes.
 */
export function readFdt(blob: Uint8Array): FdtTree {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  if (blob.length < 4 || view.getUint32(0) !== FDT_MAGIC) {
    throw new DoppelError('fdt.magic', 'not a device tree blob: it does not begin with d00dfeed')
  }
  if (blob.length < FDT_HEADER_BYTES) throw truncated(blob.length)
  const [structureAt, stringsAt] = [view.getUint32(8), view.getUint32(12)]
  const [stringsBytes, structureBytes] = [view.getUint32(32), view.getUint32(36)]
  if (structureAt + structureBytes > blob.length || stringsAt + stringsBytes > blob.length) throw truncated(blob.length)
  const reader = new StructureReader(
    blob.subarray(structureAt, structureAt + structureBytes),
    blob.subarray(stringsAt, stringsAt + stringsBytes),
  )
  if (reader.token() !== FDT_BEGIN_NODE) throw malformed('the structure block does not begin with a node')
  reader.text()
  const root = readNode(reader, 0)
  if (reader.token() !== FDT_END) throw malformed('something follows the root node')
  return root
}

function readNode(reader: StructureReader, depth: number): FdtTree {
  if (depth > MAX_DEPTH) throw malformed(`nodes are nested deeper than ${MAX_DEPTH}`)
  const properties = new Map<string, Uint8Array>()
  const children = new Map<string, FdtTree>()
  for (;;) {
    const token = reader.token()
    if (token === FDT_END_NODE) return { properties, children }
    if (token === FDT_PROP) {
      const [lengthBytes, name] = [reader.u32(), reader.u32()]
      properties.set(reader.string(name), reader.bytes(lengthBytes))
    } else if (token === FDT_BEGIN_NODE) {
      children.set(reader.text(), readNode(reader, depth + 1))
    } else {
      throw malformed(`token ${token} inside a node`)
    }
  }
}

function truncated(lengthBytes: number): DoppelError {
  return new DoppelError('fdt.truncated', `device tree blob is cut off at byte ${lengthBytes}`, { lengthBytes })
}

function malformed(what: string): DoppelError {
  return new DoppelError('fdt.structure', `malformed device tree blob: ${what}`)
}

class StructureReader {
  readonly #structure: Uint8Array
  readonly #strings: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(structure: Uint8Array, strings: Uint8Array) {
    this.#structure = structure
    this.#strings = strings
    this.#view = new DataView(structure.buffer, structure.byteOffset, structure.byteLength)
  }
  token(): number {
    for (;;) {
      const token = this.u32()
      if (token !== FDT_NOP) return token
    }
  }
  u32(): number {
    if (this.#at + 4 > this.#structure.length) throw truncated(this.#structure.length)
    this.#at += 4
    return this.#view.getUint32(this.#at - 4)
  }
  bytes(lengthBytes: number): Uint8Array {
    if (this.#at + lengthBytes > this.#structure.length) throw truncated(this.#structure.length)
    const found = this.#structure.subarray(this.#at, this.#at + lengthBytes)
    this.#at = (this.#at + lengthBytes + 3) & ~3
    return found
  }
  text(): string {
    const end = this.#structure.indexOf(0, this.#at)
    if (end < 0) throw truncated(this.#structure.length)
    const text = utf8Text(this.#structure.subarray(this.#at, end))
    this.#at = (end + 4) & ~3
    return text
  }
  string(offset: number): string {
    const end = this.#strings.indexOf(0, offset)
    if (offset >= this.#strings.length || end < 0) throw malformed(`no property name at ${offset} of the strings block`)
    return utf8Text(this.#strings.subarray(offset, end))
  }
}

/** The node at a path like `/soc/serial@10000000`, or undefined. */
export function fdtNode(root: FdtTree, path: string): FdtTree | undefined {
  let node: FdtTree | undefined = root
  for (const name of path.split('/')) if (name !== '') node = node?.children.get(name)
  return node
}

/** A property as a string list; empty when the node lacks it. */
export function fdtStrings(node: FdtTree | undefined, property: string): string[] {
  const bytes = node?.properties.get(property)
  return bytes === undefined || bytes.length === 0 ? [] : utf8Text(bytes.subarray(0, -1)).split('\0')
}

/** A property as big-endian cells; empty when the node lacks it. */
export function fdtCells(node: FdtTree | undefined, property: string): number[] {
  const bytes = node?.properties.get(property) ?? new Uint8Array(0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.getUint32(i * 4))
}
