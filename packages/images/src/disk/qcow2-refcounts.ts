import type { DiskFile } from './file.ts'
import { HEADER_OFFSET, type Qcow2Header, qcow2Error } from './qcow2-header.ts'

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n

/** Which clusters of a qcow2 file are in use (qcow2.rst, "Host cluster management"); new ones come from its end. */
export class Refcounts {
  readonly #file: DiskFile
  readonly #clusterBytes: number
  readonly #order: number
  /** Reference counts in one block. */
  readonly #perBlock: number
  #table: BigUint64Array
  #tableOffset: number
  #endBytes: number

  private constructor(file: DiskFile, header: Qcow2Header, table: BigUint64Array, fileBytes: number) {
    this.#file = file
    this.#clusterBytes = 2 ** header.clusterBits
    this.#order = header.refcountOrder
    this.#perBlock = (this.#clusterBytes * 8) / 2 ** header.refcountOrder
    this.#table = table
    this.#tableOffset = header.refcountTableOffset
    this.#endBytes = Math.ceil(fileBytes / this.#clusterBytes) * this.#clusterBytes
  }

  static async open(file: DiskFile, header: Qcow2Header): Promise<Refcounts> {
    const bytes = new Uint8Array(header.refcountTableClusters * 2 ** header.clusterBits)
    await file.read(header.refcountTableOffset, bytes)
    const view = new DataView(bytes.buffer)
    const table = BigUint64Array.from({ length: bytes.length / 8 }, (_, i) => view.getBigUint64(i * 8) & OFFSET_MASK)
    return new Refcounts(file, header, table, await file.sizeBytes())
  }

  /** The first byte after every cluster in use. */
  get endBytes(): number {
    return this.#endBytes
  }
  /** Where the table is and how long; nothing of a guest's may be there. */
  get tableRange(): { readonly offset: number; readonly lengthBytes: number } {
    return { offset: this.#tableOffset, lengthBytes: this.#table.length * 8 }
  }

  /** Takes so many clusters in a row, each counted once; returns the first's offset. Their bytes are the caller's to write. */
  async allocate(clusters = 1): Promise<number> {
    const offset = this.#endBytes
    this.#endBytes += clusters * this.#clusterBytes
    for (let i = 0; i < clusters; i++) await this.#set(offset / this.#clusterBytes + i, 1)
    return offset
  }

  /** Gives a cluster back. Its space in the file is not used again. */
  async release(offset: number): Promise<void> {
    await this.#set(offset / this.#clusterBytes, 0)
  }

  async #set(cluster: number, count: 0 | 1): Promise<void> {
    const index = Math.floor(cluster / this.#perBlock)
    if (index >= this.#table.length) await this.#grow(index + 1)
    let block = Number(this.#table[index])
    if (block === 0) {
      block = this.#endBytes
      this.#endBytes += this.#clusterBytes
      await this.#file.write(block, new Uint8Array(this.#clusterBytes))
      this.#table[index] = BigInt(block)
      await this.#file.write(this.#tableOffset + index * 8, bigEndian(BigInt(block)))
      await this.#set(block / this.#clusterBytes, 1)
    }
    if (block % this.#clusterBytes !== 0 || block >= this.#endBytes) {
      throw qcow2Error(this.#file.path, `a reference-count block at ${block}`, 'disk.qcow2-corrupt')
    }
    const within = cluster % this.#perBlock
    const bits = 2 ** this.#order
    if (bits >= 8) {
      const entry = new Uint8Array(bits / 8)
      entry[entry.length - 1] = count
      await this.#file.write(block + within * entry.length, entry)
      return
    }
    // Counts narrower than a byte are packed from its low end.
    const byte = new Uint8Array(1)
    const at = block + Math.floor((within * bits) / 8)
    await this.#file.read(at, byte)
    const shift = (within * bits) % 8
    byte[0] = ((byte[0] ?? 0) & ~((2 ** bits - 1) << shift)) | (count << shift)
    await this.#file.write(at, byte)
  }

  /** Moves the table to the end of the file with room for at least so many blocks. */
  async #grow(entries: number): Promise<void> {
    const old = this.tableRange
    const clusters = Math.ceil((Math.max(entries, old.lengthBytes / 4) * 8) / this.#clusterBytes)
    const table = new BigUint64Array((clusters * this.#clusterBytes) / 8)
    table.set(this.#table)
    const offset = this.#endBytes
    this.#endBytes += clusters * this.#clusterBytes
    const bytes = new Uint8Array(table.length * 8)
    const view = new DataView(bytes.buffer)
    for (const [i, entry] of table.entries()) view.setBigUint64(i * 8, entry)
    await this.#file.write(offset, bytes)
    this.#table = table
    this.#tableOffset = offset
    for (let i = 0; i < clusters; i++) await this.#set(offset / this.#clusterBytes + i, 1)
    const place = new Uint8Array(12)
    new DataView(place.buffer).setBigUint64(0, BigInt(offset))
    new DataView(place.buffer).setUint32(8, clusters)
    await this.#file.sync()
    await this.#file.write(HEADER_OFFSET.refcountTableOffset, place)
    for (let at = 0; at < old.lengthBytes; at += this.#clusterBytes) await this.release(old.offset + at)
  }
}

/** Eight bytes, most significant first. */
export function bigEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}
