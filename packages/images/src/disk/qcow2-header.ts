import { DoppelError } from '@doppel/base'

/** A qcow2 header as read and validated (QEMU, docs/interop/qcow2.rst, "Header"). Offsets and sizes in bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3
  readonly clusterBits: number
  readonly sizeBytes: number
  readonly l1Entries: number
  readonly l1Offset: number
  readonly refcountTableOffset: number
  readonly refcountTableClusters: number
  /** Bits a reference count takes: 1 << this. */
  readonly refcountOrder: number
  readonly snapshots: number
  readonly dirty: boolean
  readonly corrupt: boolean
  readonly backing: { readonly name: string; readonly format: string | undefined } | undefined
}

/** "QFI" and 0xfb. */
export const QCOW2_MAGIC = 0x514649fb
/** Where in the header the writer changes things later. */
export const HEADER_OFFSET = { refcountTableOffset: 48, refcountTableClusters: 56, autoclear: 88 } as const
export const HEADER_V3_BYTES = 104

const INCOMPATIBLE = { dirty: 1n, corrupt: 2n } as const
const UNSUPPORTED = ['an external data file', 'zstd compression', 'extended L2 entries'] as const
const EXTENSION_END = 0
const EXTENSION_BACKING_FORMAT = 0xe2792aca
const MAX_BACKING_NAME_BYTES = 1023
const MAX_EXTENSIONS = 64
/** 32 MiB of L1 map 2 EiB at most; QEMU's bound too. */
const MAX_L1_BYTES = 32 << 20
const MAX_REFCOUNT_TABLE_BYTES = 8 << 20

/** The failure of an image that is not sound qcow2. */
export const qcow2Error = (path: string, reason: string, code = 'disk.qcow2'): DoppelError =>
  new DoppelError(code, `${path} is not a qcow2 image that doppel can use: ${reason}`, { path })

/** Reads a header from the file's first cluster or as much of it as there is. Throws `disk.qcow2*`. */
export function readQcow2Header(bytes: Uint8Array, fileBytes: number, path: string): Qcow2Header {
  const fail = (reason: string, code?: string): DoppelError => qcow2Error(path, reason, code)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_V3_BYTES || fileBytes < 72) throw fail('the header is cut short')
  if (view.getUint32(0) !== QCOW2_MAGIC) throw fail('no qcow2 magic number')
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) throw fail(`version ${version}; expected 2 or 3`)
  const v3 = version === 3
  const clusterBits = view.getUint32(20)
  if (clusterBits < 9 || clusterBits > 21) throw fail(`clusters of 2^${clusterBits} bytes; expected 2^9 to 2^21`)
  if (view.getUint32(32) !== 0) throw fail('it is encrypted, which doppel does not support', 'disk.qcow2-encrypted')
  const incompatible = v3 ? view.getBigUint64(72) : 0n
  for (const [bit, what] of UNSUPPORTED.entries()) {
    if (incompatible & (4n << BigInt(bit))) throw fail(`it uses ${what}`, 'disk.qcow2-feature')
  }
  if (incompatible >> 5n) throw fail(`unknown incompatible features ${incompatible.toString(2)}`, 'disk.qcow2-feature')
  const clusterBytes = 2 ** clusterBits
  const number = (at: number, what: string): number => {
    const value = view.getBigUint64(at)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fail(`${what} is ${value}`)
    return Number(value)
  }
  const place = (at: number, lengthBytes: number, what: string): number => {
    const offset = number(at, what)
    const inside = offset >= clusterBytes && offset + lengthBytes <= Math.max(fileBytes, clusterBytes)
    if (offset % clusterBytes !== 0 || !inside) throw fail(`${what} is at ${offset}, outside the file or unaligned`)
    return offset
  }
  const sizeBytes = number(24, 'the disk size')
  const l1Entries = view.getUint32(36)
  const l1Covers = clusterBytes * (clusterBytes / 8)
  if (l1Entries * 8 > MAX_L1_BYTES || l1Entries < Math.ceil(sizeBytes / l1Covers)) {
    throw fail(`${l1Entries} L1 entries for a disk of ${sizeBytes} bytes`)
  }
  const refcountTableClusters = view.getUint32(56)
  const refcountTableBytes = refcountTableClusters * clusterBytes
  if (refcountTableClusters === 0 || refcountTableBytes > MAX_REFCOUNT_TABLE_BYTES) {
    throw fail(`a reference-count table of ${refcountTableClusters} clusters`)
  }
  const refcountOrder = v3 ? view.getUint32(96) : 4
  if (refcountOrder > 6) throw fail(`reference counts of 2^${refcountOrder} bits`)
  const headerBytes = v3 ? view.getUint32(100) : 72
  if (headerBytes % 8 !== 0 || headerBytes < 72 || headerBytes > clusterBytes)
    throw fail(`a header of ${headerBytes} bytes`)
  return {
    version,
    clusterBits,
    sizeBytes,
    l1Entries,
    l1Offset: l1Entries === 0 ? 0 : place(40, l1Entries * 8, 'the L1 table'),
    refcountTableOffset: place(48, refcountTableBytes, 'the reference-count table'),
    refcountTableClusters,
    refcountOrder,
    snapshots: view.getUint32(60),
    dirty: (incompatible & INCOMPATIBLE.dirty) !== 0n,
    corrupt: (incompatible & INCOMPATIBLE.corrupt) !== 0n,
    backing: readBacking(bytes, view, headerBytes, number(8, 'the backing file name'), fail),
  }
}

function readBacking(
  bytes: Uint8Array,
  view: DataView,
  headerBytes: number,
  offset: number,
  fail: (reason: string) => DoppelError,
): Qcow2Header['backing'] {
  const length = view.getUint32(16)
  if (offset === 0 || length === 0) return undefined
  if (length > MAX_BACKING_NAME_BYTES || offset + length > bytes.length)
    throw fail('its backing file name is misplaced')
  const text = (at: number, lengthBytes: number): string =>
    new TextDecoder().decode(bytes.subarray(at, at + lengthBytes))
  let format: string | undefined
  for (let at = headerBytes, count = 0; at + 8 <= offset; count++) {
    const [type, size] = [view.getUint32(at), view.getUint32(at + 4)]
    if (type === EXTENSION_END) break
    if (count === MAX_EXTENSIONS || at + 8 + size > bytes.length) throw fail('its header extensions do not end')
    if (type === EXTENSION_BACKING_FORMAT) format = text(at + 8, size)
    at += 8 + Math.ceil(size / 8) * 8
  }
  return { name: text(offset, length), format }
}

/**
 * A new, empty image of version 3 with 64 KiB clusters, as the bytes of its file: header, reference counts, L1 table.
 */
export function emptyQcow2(
  sizeBytes: number,
  backing?: { readonly name: string; readonly format: string },
): Uint8Array {
  const clusterBits = 16
  const cluster = 2 ** clusterBits
  const l1Entries = Math.max(1, Math.ceil(sizeBytes / (cluster * (cluster / 8))))
  const clusters = 3 + Math.ceil((l1Entries * 8) / cluster)
  const bytes = new Uint8Array(clusters * cluster)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, QCOW2_MAGIC)
  view.setUint32(4, 3)
  view.setUint32(20, clusterBits)
  view.setBigUint64(24, BigInt(sizeBytes))
  view.setUint32(36, l1Entries)
  view.setBigUint64(40, BigInt(3 * cluster))
  view.setBigUint64(48, BigInt(cluster))
  view.setUint32(56, 1)
  view.setUint32(96, 4)
  view.setUint32(100, HEADER_V3_BYTES)
  if (backing) {
    const format = new TextEncoder().encode(backing.format)
    const name = new TextEncoder().encode(backing.name)
    if (name.length > MAX_BACKING_NAME_BYTES) {
      throw new DoppelError('disk.backing', `the backing file's name has ${name.length} bytes; at most 1023`)
    }
    view.setUint32(HEADER_V3_BYTES, EXTENSION_BACKING_FORMAT)
    view.setUint32(HEADER_V3_BYTES + 4, format.length)
    bytes.set(format, HEADER_V3_BYTES + 8)
    const nameAt = HEADER_V3_BYTES + 8 + Math.ceil(format.length / 8) * 8 + 8
    bytes.set(name, nameAt)
    view.setBigUint64(8, BigInt(nameAt))
    view.setUint32(16, name.length)
  }
  view.setBigUint64(cluster, BigInt(2 * cluster))
  for (let index = 0; index < clusters; index++) view.setUint16(2 * cluster + index * 2, 1)
  return bytes
}
