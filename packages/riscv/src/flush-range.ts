import type { Tlb } from '@doppel/engine'
import { halves } from './address.ts'

const PAGE_BYTES = 4096n
/** More pages than this are flushed with all others, which costs less. */
const MAX_BYTES = 64n * PAGE_BYTES

/** Drops the translations of a range of guest-virtual addresses, or all; `contexts` are those in which harts go on. */
export function flushRange(
  tlb: Tlb,
  contexts: number,
  range: { readonly start: bigint; readonly lengthBytes: bigint } | undefined,
): void {
  if (!range || range.lengthBytes > MAX_BYTES) return tlb.flush(contexts)
  for (let at = range.start; at < range.start + range.lengthBytes; at += PAGE_BYTES) {
    const { low, high } = halves(at)
    tlb.flushPage(low, high, contexts)
  }
}
