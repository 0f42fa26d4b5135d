import type { BlockStore, Saved } from '@doppel/base'
import type { Chain } from './chain.ts'
import { defineVirtio, type DeviceFaults, type VirtioDevice, type VirtioHost, type VirtioParts } from './device.ts'
import { PacedRequests, type PacedState } from './paced-requests.ts'
import { HistoryStore, NOTHING_WRITTEN, type WriteHistory } from './write-history.ts'

/** What a disk is made from. */
export interface VirtioBlkOptions {
  readonly store: BlockStore
  /** The serial number that the guest reads, at most 20 bytes of ASCII. */
  readonly serial?: string
  /** Told when the store fails; the guest sees an I/O error status. */
  readonly onError?: (error: unknown) => void
}

const SECTOR_BYTES = 512
const ID_BYTES = 20
const HEADER_BYTES = 16
/** One store call moves at most this much, so that a guest's long request does not claim host memory at once. */
const MAX_TRANSFER_BYTES = 1024 * 1024
/** Ranges in one discard or write-zeroes request. */
const MAX_RANGES = 64
const RANGE_BYTES = 16
const RANGE_FLAG_UNMAP = 1
const MAX_RANGE_SECTORS = 0x3f_ffff
const QUEUE_SIZE = 256
/** A request's data segments: the ring less header and status. */
const MAX_SEGMENTS = QUEUE_SIZE - 2

// Feature bits, Virtio 1.2 §5.2.3.
const F_SEG_MAX = 1n << 2n
const F_RO = 1n << 5n
const F_BLK_SIZE = 1n << 6n
const F_FLUSH = 1n << 9n
const F_DISCARD = 1n << 13n
const F_WRITE_ZEROES = 1n << 14n

// Request types and statuses, §5.2.6.
const T_IN = 0
const T_OUT = 1
const T_FLUSH = 4
const T_GET_ID = 8
const T_DISCARD = 11
const T_WRITE_ZEROES = 13
const S_OK = 0
const S_IOERR = 1
const S_UNSUPP = 2

const QUEUE = 'request'

/** Disk over a block store, several requests in flight. Virtio 1.2 §5.2. */
export const virtioBlk: (options: VirtioBlkOptions) => VirtioDevice = defineVirtio({
  id: 2,
  name: 'blk',
  pciClass: 0x01_8000,
  create: (options: VirtioBlkOptions, host) => {
    const writable = F_DISCARD | F_WRITE_ZEROES
    const config = configBytes(options.store)
    return {
      features: F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (options.store.readOnly ? F_RO : writable),
      queueSize: QUEUE_SIZE,
      config: () => config,
      ...service(options, host),
    }
  },
})

/** What a disk remembers, where its machine is deterministic. */
interface BlkState extends PacedState {
  readonly history: WriteHistory
}

const NO_REQUESTS: BlkState = { count: 0, requests: [], history: NOTHING_WRITTEN }

/** How requests are served: at once, or, in a deterministic machine, at its own time. */
function service(options: VirtioBlkOptions, host: VirtioHost): VirtioParts {
  const { paced } = host
  if (!paced) {
    const serve = (chain: Chain): void => void serveAtOnce(chain, options)
    const restore = (state: Saved): void => {
      for (const { chain } of (state as unknown as BlkState | undefined)?.requests ?? [])
        serve(host.revive(QUEUE, chain))
    }
    return { queues: { [QUEUE]: serve }, save: () => undefined, restore }
  }
  const store = new HistoryStore(options.store)
  // What the host's disk does to a request is no function of the seed: it ends the run.
  const requests = new PacedRequests(host, paced, QUEUE, async chain => {
    finish(chain, await runFaulty(chain, { ...options, store }, paced.faults))
  })
  return {
    queues: { [QUEUE]: chain => requests.add(chain) },
    reset: () => requests.clear(),
    kept: () => requests.pending,
    save: () => ({ ...requests.save(), history: store.history }) as unknown as Saved,
    restore: state => {
      const { history, ...paces } = (state as unknown as BlkState | undefined) ?? NO_REQUESTS
      store.history = history
      requests.restore(paces)
    },
  }
}

/** Runs a request, or lets it fail on purpose. */
async function runFaulty(chain: Chain, options: VirtioBlkOptions, faults: DeviceFaults | undefined): Promise<number> {
  const { serial = 'a disk' } = options
  if (faults?.strikes('disk-error') !== undefined) {
    const bytes = chain.readable.lengthBytes + chain.writable.lengthBytes
    faults.tell('disk-error', `${serial}: a request of ${bytes} bytes, all told, is answered with an error`)
    return S_IOERR
  }
  return await run(chain, options, lengthBytes => {
    const struck = faults?.strikes('torn-write')
    if (struck === undefined) return lengthBytes
    const sectors = lengthBytes / SECTOR_BYTES
    const written = Math.floor(struck * sectors)
    faults?.tell('torn-write', `${serial}: of ${sectors} sectors ${written} are written`)
    return written * SECTOR_BYTES
  })
}

async function serveAtOnce(chain: Chain, options: VirtioBlkOptions): Promise<void> {
  const status = await run(chain, options).catch((error: unknown) => {
    options.onError?.(error)
    return S_IOERR
  })
  finish(chain, status)
}

/** A request's status byte is the last writable one, whatever else happened (§5.2.6); one without room for it is given back. */
function finish(chain: Chain, status: number): void {
  if (chain.writable.lengthBytes > 0) {
    chain.writable.writeAt(chain.writable.lengthBytes - 1, Uint8Array.of(status))
  }
  chain.complete()
}

/** Returns the status. `tear` says how much of a write reaches the disk. */
async function run(
  chain: Chain,
  { store, serial = '' }: VirtioBlkOptions,
  tear: (lengthBytes: number) => number = lengthBytes => lengthBytes,
): Promise<number> {
  if (chain.writable.lengthBytes === 0) return S_IOERR
  const header = chain.readable.read(HEADER_BYTES)
  if (header.length < HEADER_BYTES) return S_IOERR
  const view = new DataView(header.buffer)
  const type = view.getUint32(0, true)
  const offset = Number(view.getBigUint64(8, true)) * SECTOR_BYTES
  switch (type) {
    case T_IN: {
      const lengthBytes = chain.writable.lengthBytes - 1
      if (!isInside(store, offset, lengthBytes)) return S_IOERR
      for (let at = 0; at < lengthBytes; at += MAX_TRANSFER_BYTES) {
        const data = new Uint8Array(Math.min(MAX_TRANSFER_BYTES, lengthBytes - at))
        await store.read(offset + at, data)
        chain.writable.writeAt(at, data)
      }
      return S_OK
    }
    case T_OUT: {
      if (store.readOnly || !isInside(store, offset, chain.readable.remainingBytes)) return S_IOERR
      const lengthBytes = chain.readable.remainingBytes
      const writtenBytes = tear(lengthBytes)
      for (let at = 0; at < writtenBytes; at += MAX_TRANSFER_BYTES) {
        await store.write(offset + at, chain.readable.read(Math.min(MAX_TRANSFER_BYTES, writtenBytes - at)))
      }
      return writtenBytes < lengthBytes ? S_IOERR : S_OK
    }
    case T_FLUSH:
      await store.flush()
      return S_OK
    case T_GET_ID: {
      // §5.2.6: padded with zeros, and without a terminator when all 20 bytes are used.
      const id = new Uint8Array(Math.min(ID_BYTES, chain.writable.lengthBytes - 1))
      id.set(new TextEncoder().encode(serial).subarray(0, id.length))
      chain.writable.writeAt(0, id)
      return S_OK
    }
    case T_DISCARD:
    case T_WRITE_ZEROES:
      return clear(chain, store, type === T_WRITE_ZEROES ? RANGE_FLAG_UNMAP : 0)
    default:
      return S_UNSUPP
  }
}

/** Discard and write-zeroes are one to the store: a discarded range reads as zeros. */
async function clear(chain: Chain, store: BlockStore, allowedFlags: number): Promise<number> {
  if (store.readOnly) return S_IOERR
  const { remainingBytes } = chain.readable
  if (remainingBytes === 0 || remainingBytes % RANGE_BYTES !== 0 || remainingBytes > MAX_RANGES * RANGE_BYTES) {
    return S_IOERR
  }
  const view = new DataView(chain.readable.read(remainingBytes).buffer)
  const ranges: { offset: number; lengthBytes: number }[] = []
  for (let at = 0; at < view.byteLength; at += RANGE_BYTES) {
    const offset = Number(view.getBigUint64(at, true)) * SECTOR_BYTES
    const lengthBytes = view.getUint32(at + 8, true) * SECTOR_BYTES
    if (view.getUint32(at + 12, true) & ~allowedFlags) return S_UNSUPP
    if (!isInside(store, offset, lengthBytes)) return S_IOERR
    ranges.push({ offset, lengthBytes })
  }
  for (const { offset, lengthBytes } of ranges) await store.discard(offset, lengthBytes)
  return S_OK
}

/** Whole sectors within the disk's whole sectors. A 64-bit sector number too large to be exact is outside any disk. */
function isInside(store: BlockStore, offset: number, lengthBytes: number): boolean {
  const diskBytes = store.sizeBytes - (store.sizeBytes % SECTOR_BYTES)
  return lengthBytes % SECTOR_BYTES === 0 && offset + lengthBytes <= diskBytes
}

/** struct virtio_blk_config, §5.2.4. */
function configBytes(store: BlockStore): Uint8Array {
  const view = new DataView(new ArrayBuffer(60))
  view.setBigUint64(0, BigInt(Math.floor(store.sizeBytes / SECTOR_BYTES)), true)
  view.setUint32(12, MAX_SEGMENTS, true)
  view.setUint32(20, SECTOR_BYTES, true)
  for (const [sectors, ranges] of [
    [36, 40],
    [48, 52],
  ] as const) {
    view.setUint32(sectors, MAX_RANGE_SECTORS, true)
    view.setUint32(ranges, MAX_RANGES, true)
  }
  view.setUint32(44, 1, true)
  view.setUint8(56, 1)
  return new Uint8Array(view.buffer)
}
