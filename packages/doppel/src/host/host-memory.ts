import { totalmem } from 'node:os'
import { MIB, parseSize } from '@doppel/base'
import { MemoryGuard } from '@doppel/monitor'
import { nodeTimers } from './net/node-network.ts'

/** What the host is to keep: this part of what there is, and no more than that. */
const RESERVE = 0.05
const MAX_RESERVE_BYTES = 128 * MIB

let guard: MemoryGuard | undefined

/** The guard of this process's machines; `DOPPEL_HOST_RESERVE` says how much memory the host keeps. Throws `size.syntax`. */
export function memoryGuard(env: Readonly<Record<string, string | undefined>>): MemoryGuard {
  if (guard) return guard
  // Said here, to whoever makes the first machine.
  if (env['DOPPEL_HOST_RESERVE']) parseSize(env['DOPPEL_HOST_RESERVE'], 'M')
  // A container's limit counts as the host's memory.
  const allBytes = Math.min(process.constrainedMemory() || Infinity, totalmem())
  guard = new MemoryGuard({
    availableBytes: () => process.availableMemory(),
    reserveBytes: () => {
      const wanted = env['DOPPEL_HOST_RESERVE']
      return wanted ? parseSize(wanted, 'M') : Math.min(allBytes * RESERVE, MAX_RESERVE_BYTES)
    },
    timers: nodeTimers,
  })
  return guard
}
