import { realpath } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { assert, type BlockStore, DoppelError } from '@doppel/base'
import { type DiskFile, openDiskFile } from './file.ts'
import {
  emptyQcow2,
  HEADER_OFFSET,
  HEADER_V3_BYTES,
  type Qcow2Header,
  qcow2Error,
  readQcow2Header,
} from './qcow2-header.ts'
import { bigEndian, Refcounts } from './qcow2-refcounts.ts'
import { openRaw } from './raw.ts'

/** Bits of L1 and L2 entries (qcow2.rst, "Cluster mapping"). */
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n
const COPIED = 1n << 63n
const COMPRESSED = 1n << 62n
const ZERO = 1n

const MAX_BACKING_DEPTH = 8
/** L2 tables kept; each maps 512 MiB at the usual cluster size. */
const MAX_CACHED_TABLES = 64

/**
 * Opens a qcow2 image (version 2 or 3) with its backing files, which must be below the image's own folder. Throws
 * `disk.qcow2*`, `disk.backing` or `disk.*`; later calls reject with `disk.qcow2-corrupt` where the file's tables are
 * not sound.
 */
export async function openQcow2(path: string, options: { readonly readOnly?: boolean } = {}): Promise<BlockStore> {
  return await openAtDepth(path, options.readOnly ?? false, 0)
}

/** Creates an empty image of `sizeBytes`. Throws `disk.exists` or `disk.*`. */
export async function createQcow2(path: string, sizeBytes: number): Promise<void> {
  await writeNew(path, emptyQcow2(sizeBytes))
}

/** Creates an image that holds what differs from `backingPath`, which must be below its folder. Throws as `openQcow2`. */
export async function createQcow2Overlay(path: string, backingPath: string, format: 'raw' | 'qcow2'): Promise<void> {
  const name = relative(dirname(resolve(path)), resolve(backingPath))
  const backing = await openBacking(path, { name, format }, 1)
  const { sizeBytes } = backing
  await backing.close()
  await writeNew(path, emptyQcow2(sizeBytes, { name, format }))
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openDiskFile(path, { create: true })
  try {
    await file.write(0, bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function openAtDepth(path: string, readOnly: boolean, depth: number): Promise<BlockStore> {
  const file = await openDiskFile(path, { readOnly })
  let backing: BlockStore | undefined
  try {
    const fileBytes = await file.sizeBytes()
    const start = new Uint8Array(Math.max(HEADER_V3_BYTES, Math.min(fileBytes, 65536)))
    await file.read(0, start)
    const header = readQcow2Header(start, fileBytes, path)
    if (!readOnly) {
      const hint = 'open it read-only or as an overlay'
      if (header.corrupt || header.dirty) {
        throw qcow2Error(path, `it was not closed properly; ${hint}, or repair it`, 'disk.qcow2-dirty')
      }
      if (header.snapshots > 0) throw qcow2Error(path, `it holds snapshots; ${hint}`, 'disk.qcow2-snapshots')
    }
    backing = header.backing && (await openBacking(path, header.backing, depth + 1))
    return await Qcow2Store.open(file, header, backing)
  } catch (error) {
    await file.close()
    await backing?.close()
    throw error
  }
}

async function openBacking(
  path: string,
  backing: NonNullable<Qcow2Header['backing']>,
  depth: number,
): Promise<BlockStore> {
  const { name, format } = backing
  const fail = (reason: string): DoppelError =>
    new DoppelError('disk.backing', `${path} has the backing file '${name}': ${reason}`, { path, name, format })
  if (depth > MAX_BACKING_DEPTH) throw fail(`more than ${MAX_BACKING_DEPTH} images stand on one another`)
  if (/^[a-z0-9+.-]+:/i.test(name)) throw fail('only files are supported')
  if (format !== 'raw' && format !== 'qcow2') {
    throw fail(
      format === undefined
        ? 'its format is not recorded; expected raw or qcow2'
        : `format ${format}; expected raw or qcow2`,
    )
  }
  const folder = await realpath(dirname(path))
  const full = await realpath(resolve(folder, name)).catch((error: unknown) => {
    throw new DoppelError(
      'disk.backing',
      `${path} has the backing file '${name}', which is not there`,
      { path, name },
      error,
    )
  })
  // An image from elsewhere must not show its guest any file of this computer.
  if (!full.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw fail(`it is outside ${folder}`)
  return format === 'raw' ? await openRaw(full, { readOnly: true }) : await openAtDepth(full, true, depth)
}

interface L2Table {
  readonly offset: number
  readonly entries: BigUint64Array
}

class Qcow2Store implements BlockStore {
  readonly sizeBytes: number
  readonly readOnly: boolean
  readonly #file: DiskFile
  readonly #header: Qcow2Header
  readonly #backing: BlockStore | undefined
  readonly #clusterBytes: number
  readonly #l1: BigUint64Array
  readonly #refcounts: Refcounts
  readonly #tables = new Map<number, L2Table>()
  /** Calls run one after another: a mapping must not change under another call's feet. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(
    file: DiskFile,
    header: Qcow2Header,
    backing: BlockStore | undefined,
    l1: BigUint64Array,
    refcounts: Refcounts,
  ) {
    this.#file = file
    this.#header = header
    this.#backing = backing
    this.#l1 = l1
    this.#refcounts = refcounts
    this.#clusterBytes = 2 ** header.clusterBits
    this.sizeBytes = header.sizeBytes
    this.readOnly = file.readOnly
  }

  static async open(file: DiskFile, header: Qcow2Header, backing: BlockStore | undefined): Promise<Qcow2Store> {
    const l1 = await readTable(file, header.l1Offset, header.l1Entries)
    // Features this program does not know may be dropped, and must be before the first change.
    if (header.version === 3 && !file.readOnly) await file.write(HEADER_OFFSET.autoclear, new Uint8Array(8))
    return new Qcow2Store(file, header, backing, l1, await Refcounts.open(file, header))
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    assert(offset >= 0 && offset + into.length <= this.sizeBytes, 'a disk read stays inside the disk')
    return this.#inTurn(async () => {
      for (const piece of this.#pieces(offset, into.length)) {
        const part = into.subarray(piece.at, piece.at + piece.length)
        await this.#readCluster(await this.#entry(piece.cluster), piece.cluster, piece.within, part)
      }
    })
  }

  write(offset: number, from: Uint8Array): Promise<void> {
    assert(
      !this.readOnly && offset >= 0 && offset + from.length <= this.sizeBytes,
      'a disk write stays inside the disk',
    )
    const bytes = from.slice()
    return this.#inTurn(async () => {
      for (const { cluster, within, at, length } of this.#pieces(offset, bytes.length)) {
        await this.#writeCluster(cluster, within, bytes.subarray(at, at + length))
      }
    })
  }

  discard(offset: number, lengthBytes: number): Promise<void> {
    assert(!this.readOnly && offset >= 0 && offset + lengthBytes <= this.sizeBytes, 'a discard stays inside the disk')
    return this.#inTurn(async () => {
      for (const { cluster, within, length } of this.#pieces(offset, lengthBytes)) {
        const whole = length === this.#clusterBytes && this.#header.version === 3
        if (whole) await this.#dropCluster(cluster)
        else await this.#writeCluster(cluster, within, new Uint8Array(length))
      }
    })
  }

  flush(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.readOnly) await this.#file.sync()
    })
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.readOnly) await this.#file.sync()
      await this.#file.close()
      await this.#backing?.close()
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    // The caller hears of a failure; the next call goes on regardless.
    this.#last = result.catch(() => undefined)
    return result
  }

  *#pieces(
    offset: number,
    lengthBytes: number,
  ): Generator<{ cluster: number; within: number; at: number; length: number }> {
    for (let at = 0; at < lengthBytes; ) {
      const within = (offset + at) % this.#clusterBytes
      const length = Math.min(this.#clusterBytes - within, lengthBytes - at)
      yield { cluster: Math.floor((offset + at) / this.#clusterBytes), within, at, length }
      at += length
    }
  }

  async #readCluster(entry: bigint, cluster: number, within: number, into: Uint8Array): Promise<void> {
    if (entry & COMPRESSED) into.set((await this.#inflate(entry)).subarray(within, within + into.length))
    else if (entry & ZERO && this.#header.version === 3) into.fill(0)
    else if ((entry & OFFSET_MASK) !== 0n) await this.#file.read(this.#place(entry & OFFSET_MASK) + within, into)
    else await this.#readBacking(cluster * this.#clusterBytes + within, into)
  }

  async #readBacking(offset: number, into: Uint8Array): Promise<void> {
    const here = Math.max(0, Math.min(into.length, (this.#backing?.sizeBytes ?? 0) - offset))
    if (this.#backing && here > 0) await this.#backing.read(offset, into.subarray(0, here))
    into.fill(0, here)
  }

  async #inflate(entry: bigint): Promise<Uint8Array> {
    const shift = BigInt(62 - (this.#header.clusterBits - 8))
    const offset = Number(entry & ((1n << shift) - 1n))
    const sectors = Number((entry & (COMPRESSED - 1n)) >> shift) + 1
    const packed = new Uint8Array(sectors * 512 - (offset % 512))
    if (offset < this.#clusterBytes || offset >= this.#refcounts.endBytes)
      throw this.#corrupt(`compressed data at ${offset}`)
    await this.#file.read(offset, packed)
    let bytes: Uint8Array
    try {
      bytes = inflateRawSync(packed, { maxOutputLength: this.#clusterBytes })
    } catch (error) {
      throw this.#corrupt(`compressed data at ${offset}: ${(error as Error).message}`)
    }
    if (bytes.length !== this.#clusterBytes)
      throw this.#corrupt(`compressed data at ${offset} of ${bytes.length} bytes`)
    return bytes
  }

  async #writeCluster(cluster: number, within: number, bytes: Uint8Array): Promise<void> {
    const table = await this.#tableForWrite(cluster)
    const index = cluster % table.entries.length
    const entry = table.entries[index] ?? 0n
    const plain = !(entry & COMPRESSED) && !(entry & ZERO && this.#header.version === 3)
    if (plain && entry & COPIED && (entry & OFFSET_MASK) !== 0n) {
      await this.#file.write(this.#place(entry & OFFSET_MASK) + within, bytes)
      return
    }
    const whole = new Uint8Array(this.#clusterBytes)
    if (bytes.length < whole.length) await this.#readCluster(entry, cluster, 0, this.#insideDisk(cluster, whole))
    whole.set(bytes, within)
    const offset = await this.#refcounts.allocate()
    await this.#file.write(offset, whole)
    await this.#setEntry(table, index, BigInt(offset) | COPIED)
    // A compressed cluster shares its host clusters with others: it stays counted, which costs only space.
    if (!(entry & COMPRESSED) && (entry & OFFSET_MASK) !== 0n && entry & COPIED) {
      await this.#refcounts.release(this.#place(entry & OFFSET_MASK))
    }
  }

  /** The part of a cluster's buffer that lies inside the disk, whose size need not be whole clusters. */
  #insideDisk(cluster: number, whole: Uint8Array): Uint8Array {
    return whole.subarray(0, Math.min(whole.length, this.sizeBytes - cluster * this.#clusterBytes))
  }

  async #dropCluster(cluster: number): Promise<void> {
    const table = await this.#tableForWrite(cluster)
    const index = cluster % table.entries.length
    const entry = table.entries[index] ?? 0n
    await this.#setEntry(table, index, ZERO)
    if (!(entry & COMPRESSED) && entry & COPIED && (entry & OFFSET_MASK) !== 0n) {
      await this.#refcounts.release(this.#place(entry & OFFSET_MASK))
    }
  }

  async #setEntry(table: L2Table, index: number, entry: bigint): Promise<void> {
    await this.#file.write(table.offset + index * 8, bigEndian(entry))
    table.entries[index] = entry
  }

  async #entry(cluster: number): Promise<bigint> {
    const perTable = this.#clusterBytes / 8
    const l1 = this.#l1[Math.floor(cluster / perTable)] ?? 0n
    if ((l1 & OFFSET_MASK) === 0n) return 0n
    return (await this.#table(this.#place(l1 & OFFSET_MASK))).entries[cluster % perTable] ?? 0n
  }

  async #table(offset: number): Promise<L2Table> {
    const known = this.#tables.get(offset)
    const table = known ?? { offset, entries: await readTable(this.#file, offset, this.#clusterBytes / 8) }
    // Last used goes last; the first is the one to forget.
    this.#tables.delete(offset)
    this.#tables.set(offset, table)
    if (this.#tables.size > MAX_CACHED_TABLES) this.#tables.delete(this.#tables.keys().next().value ?? offset)
    return table
  }

  /** The L2 table that maps a cluster, the image's own: made, or copied from a shared one, where needed. */
  async #tableForWrite(cluster: number): Promise<L2Table> {
    const perTable = this.#clusterBytes / 8
    const index = Math.floor(cluster / perTable)
    const entry = this.#l1[index] ?? 0n
    const known = (entry & OFFSET_MASK) === 0n ? undefined : await this.#table(this.#place(entry & OFFSET_MASK))
    if (known && entry & COPIED) return known
    const bytes = new Uint8Array(this.#clusterBytes)
    if (known) await this.#file.read(known.offset, bytes)
    const offset = await this.#refcounts.allocate()
    await this.#file.write(offset, bytes)
    const l1 = BigInt(offset) | COPIED
    await this.#file.write(this.#header.l1Offset + index * 8, bigEndian(l1))
    this.#l1[index] = l1
    return await this.#table(offset)
  }

  /** Checks an offset out of the file's tables: aligned, inside the file, and not on the tables that rule it. */
  #place(masked: bigint): number {
    const offset = Number(masked)
    const end = offset + this.#clusterBytes
    const meets = (start: number, lengthBytes: number): boolean => offset < start + lengthBytes && end > start
    const { tableRange, endBytes } = this.#refcounts
    const wrong =
      offset % this.#clusterBytes !== 0 ||
      offset >= endBytes ||
      meets(0, this.#clusterBytes) ||
      meets(this.#header.l1Offset, this.#header.l1Entries * 8) ||
      meets(tableRange.offset, tableRange.lengthBytes)
    if (wrong) throw this.#corrupt(`a cluster at ${offset}`)
    return offset
  }

  #corrupt(what: string): DoppelError {
    return new DoppelError('disk.qcow2-corrupt', `${this.#file.path}: its tables point to ${what}, which cannot be`, {
      path: this.#file.path,
    })
  }
}

async function readTable(file: DiskFile, offset: number, entries: number): Promise<BigUint64Array> {
  const bytes = new Uint8Array(entries * 8)
  await file.read(offset, bytes)
  const view = new DataView(bytes.buffer)
  return BigUint64Array.from({ length: entries }, (_, i) => view.getBigUint64(i * 8))
}
