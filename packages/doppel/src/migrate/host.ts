import { crc32 } from 'node:zlib'
import { hostClock } from '@doppel/base'
import type { MigrationHost } from '@doppel/monitor'

const clock = hostClock()

/** What migration needs, from Node. */
export const migrationHost: MigrationHost = {
  checksum: (bytes, seed) => crc32(bytes, seed),
  nowMs: () => clock.monotonicNs() / 1e6,
  after: ms => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => resolve(), ms)
    return { done: promise, cancel: () => clearTimeout(timer) }
  },
}
