import { assert, DoppelError, utf8Bytes } from '@doppel/base'

/** Stands for the phandle of the node that has this `label`. */
export interface FdtReference {
  readonly phandleOf: string
}

/** Big-endian cells: a number is one cell (u32), a bigint is two (u64), a reference is one. */
export type FdtCells = readonly (number | bigint | FdtReference)[]

/** A property's value: `true` is the empty property; a string list is NUL-separated; bytes are taken as they are. */
export type FdtValue = true | string | readonly string[] | { readonly cells: FdtCells } | Uint8Array

/** One node as the board describes it. Order of properties and children is kept. */
export interface FdtNode {
  /** With its unit address, e.g. `serial@10000000`; the root's is empty. */
  readonly name: string
  /** What references call this node; not part of the blob. */
  readonly label?: string
  readonly properties: Readonly<Record<string, FdtValue>>
  readonly children?: readonly FdtNode[]
}

/** Cells of a property, e.g. `cells(0, 0x1000n, { phandleOf: 'plic' })`. */
export function cells(...values: FdtCells): FdtValue {
  return { cells: values }
}

/** First word of a blob, and the token and header constants of Devicetree Specification 0.4 §5. */
export const FDT_MAGIC = 0xd00dfeed
export const FDT_BEGIN_NODE = 1
export const FDT_END_NODE = 2
export const FDT_PROP = 3
export const FDT_NOP = 4
export const FDT_END = 9
export const FDT_HEADER_BYTES = 40
const VERSION = 17
const LAST_COMPATIBLE_VERSION = 16
/** The memory reservation block is its terminating entry alone: boards say what is reserved with /reserved-memory. */
const RESERVATION_BYTES = 16

/**
 * Encodes a tree as a flattened device tree blob, version 17 (Devicetree Specification 0.4 §5). A node that is referred
 * to gets a `phandle` property. Throws `fdt.label` for a reference to a label no node has, or for a label used twice.
 */
export function writeFdt(root: FdtNode, bootHart = 0): Uint8Array {
  const phandles = assignPhandles(root)
  const structure = new BlobWriter()
  const strings = new StringsBlock()
  writeNode(structure, strings, root, phandles)
  structure.u32(FDT_END)
  const structureBytes = structure.bytes()
  const stringBytes = strings.bytes()
  const structureAt = FDT_HEADER_BYTES + RESERVATION_BYTES
  const stringsAt = structureAt + structureBytes.length
  const blob = new Uint8Array(stringsAt + stringBytes.length)
  const header = [
    FDT_MAGIC,
    blob.length,
    structureAt,
    stringsAt,
    FDT_HEADER_BYTES,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    bootHart,
    stringBytes.length,
    structureBytes.length,
  ]
  const view = new DataView(blob.buffer)
  for (const [i, word] of header.entries()) view.setUint32(i * 4, word)
  blob.set(structureBytes, structureAt)
  blob.set(stringBytes, stringsAt)
  return blob
}

function assignPhandles(root: FdtNode): ReadonlyMap<string, number> {
  const labels = new Set<string>()
  const wanted = new Set<string>()
  const visit = (node: FdtNode): void => {
    if (node.label !== undefined) {
      if (labels.has(node.label)) throw labelError(`two nodes are labelled '${node.label}'`, node.label)
      labels.add(node.label)
    }
    for (const value of Object.values(node.properties)) {
      if (!isCells(value)) continue
      for (const cell of value.cells) if (typeof cell === 'object') wanted.add(cell.phandleOf)
    }
    for (const child of node.children ?? []) visit(child)
  }
  visit(root)
  for (const label of wanted) if (!labels.has(label)) throw labelError(`no node is labelled '${label}'`, label)
  return new Map([...labels].filter(label => wanted.has(label)).map((label, i) => [label, i + 1]))
}

function labelError(message: string, label: string): DoppelError {
  return new DoppelError('fdt.label', `device tree: ${message}`, { label })
}

function isCells(value: FdtValue): value is { readonly cells: FdtCells } {
  return typeof value === 'object' && 'cells' in value
}

function writeNode(out: BlobWriter, strings: StringsBlock, node: FdtNode, phandles: ReadonlyMap<string, number>): void {
  out.u32(FDT_BEGIN_NODE)
  out.text(node.name)
  out.align()
  const phandle = node.label === undefined ? undefined : phandles.get(node.label)
  const own = phandle === undefined ? [] : [['phandle', cells(phandle)] as const]
  for (const [name, value] of [...Object.entries(node.properties), ...own]) {
    const bytes = encode(value, phandles)
    out.u32(FDT_PROP)
    out.u32(bytes.length)
    out.u32(strings.offsetOf(name))
    out.raw(bytes)
    out.align()
  }
  for (const child of node.children ?? []) writeNode(out, strings, child, phandles)
  out.u32(FDT_END_NODE)
}

function encode(value: FdtValue, phandles: ReadonlyMap<string, number>): Uint8Array {
  const out = new BlobWriter()
  if (value === true) return out.bytes()
  if (value instanceof Uint8Array) return value
  if (isCells(value)) {
    for (const cell of value.cells) {
      if (typeof cell === 'bigint') out.u64(cell)
      else out.u32(typeof cell === 'number' ? cell : phandles.get(cell.phandleOf))
    }
    return out.bytes()
  }
  for (const text of typeof value === 'string' ? [value] : value) out.text(text)
  return out.bytes()
}

/** Property names, each once. */
class StringsBlock {
  readonly #offsets = new Map<string, number>()
  readonly #out = new BlobWriter()

  offsetOf(name: string): number {
    const known = this.#offsets.get(name)
    if (known !== undefined) return known
    const offset = this.#out.length
    this.#offsets.set(name, offset)
    this.#out.text(name)
    return offset
  }
  bytes(): Uint8Array {
    return this.#out.bytes()
  }
}

/** A growing big-endian buffer. */
class BlobWriter {
  #buffer = new Uint8Array(256)
  length = 0

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.length)
  }
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.length)
    this.length += bytes.length
  }
  u32(value: number | undefined): void {
    assert(value !== undefined && value >= 0 && value <= 0xffff_ffff, `device tree cell ${value} is no u32`)
    this.#reserve(4)
    new DataView(this.#buffer.buffer).setUint32(this.length, value)
    this.length += 4
  }
  u64(value: bigint): void {
    this.u32(Number(value >> 32n))
    this.u32(Number(BigInt.asUintN(32, value)))
  }
  text(text: string): void {
    this.raw(utf8Bytes(`${text}\0`))
  }
  align(): void {
    this.raw(new Uint8Array(-this.length & 3))
  }
  #reserve(extra: number): void {
    if (this.length + extra <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(this.length + extra, this.#buffer.length * 2))
    grown.set(this.#buffer)
    this.#buffer = grown
  }
}
