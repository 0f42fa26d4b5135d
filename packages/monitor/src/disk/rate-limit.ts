import type { Clock } from '@doppel/base'
import type { NetTimers } from '../net/host-network.ts'
import type { MachineDisk } from './machine-disk.ts'

/** What a disk may be asked for. */
export interface DiskRate {
  readonly bytesPerSecond?: number
  readonly operationsPerSecond?: number
}

/** What may be asked for at once after a silence: this long at the full rate. */
const BURST_NS = 100_000_000

/**
 * A disk that answers so many bytes and requests a second, reads and writes together; the guest waits for the others. It
 * is the generic cell rate algorithm (ITU-T I.371, annex A): each request moves the time at which the disk is free again.
 * `rate` is asked at each request.
 */
export function rateLimitedDisk(disk: MachineDisk, rate: () => DiskRate, clock: Clock, timers: NetTimers): MachineDisk {
  let freeAtNs = 0
  const turn = async (lengthBytes: number): Promise<void> => {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, operationsPerSecond = Number.POSITIVE_INFINITY } = rate()
    const nowNs = clock.monotonicNs()
    const costNs = Math.max(lengthBytes / bytesPerSecond, 1 / operationsPerSecond) * 1e9
    freeAtNs = Math.max(freeAtNs, nowNs) + costNs
    const waitNs = freeAtNs - BURST_NS - nowNs
    if (waitNs > 0) await new Promise<void>(done => timers.after(Math.ceil(waitNs / 1e6), done))
  }
  return {
    sizeBytes: disk.sizeBytes,
    readOnly: disk.readOnly,
    freeze: () => disk.freeze(),
    read: async (offset, into) => {
      await turn(into.length)
      await disk.read(offset, into)
    },
    write: async (offset, from) => {
      await turn(from.length)
      await disk.write(offset, from)
    },
    // Discarding writes zeros on some images.
    discard: async (offset, lengthBytes) => {
      await turn(lengthBytes)
      await disk.discard(offset, lengthBytes)
    },
    flush: () => disk.flush(),
    close: () => disk.close(),
  }
}
