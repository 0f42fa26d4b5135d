import type { DataBreakpoint, DebugTarget } from '@doppel/base'

/** Data that is watched. */
export class WatchedData {
  readonly #target: DebugTarget
  #watched: readonly DataBreakpoint[] = []

  constructor(target: DebugTarget) {
    this.#target = target
  }
  /** Replaces all; says for each why it cannot be watched. */
  set(wanted: readonly DataBreakpoint[]): readonly (string | undefined)[] {
    this.suspend()
    const placed = wanted.map(each => this.#place(each))
    this.#watched = wanted.filter((_, i) => placed[i])
    return placed.map(is => (is ? undefined : 'only memory that is mapped, within a page, can be watched'))
  }
  #place({ address, lengthBytes, kind }: DataBreakpoint): boolean {
    return this.#target.setWatchpoint(0, address, lengthBytes, kind)
  }
  /** Watches nothing, for a moment. */
  suspend(): void {
    for (const { address, lengthBytes, kind } of this.#watched) this.#target.clearWatchpoint(address, lengthBytes, kind)
  }
  resume(): void {
    for (const each of this.#watched) this.#place(each)
  }
  /** Those that a stop at an address may be about. */
  at(address: bigint): readonly DataBreakpoint[] {
    return this.#watched.filter(
      each => address < each.address + BigInt(each.lengthBytes) && address + 8n > each.address,
    )
  }
  /** What each has now. */
  read(thread: number, watched: readonly DataBreakpoint[]): readonly Uint8Array[] {
    return watched.map(({ address, lengthBytes }) => this.#target.readMemory(thread, address, lengthBytes, false))
  }
  /** What an access has done, for people; undefined where that is not what was asked for. */
  changed(
    watched: readonly DataBreakpoint[],
    before: readonly Uint8Array[],
    after: readonly Uint8Array[],
  ): string | undefined {
    const found = watched.findIndex(({ kind }, i) => kind !== 'write' || hexOf(before[i]) !== hexOf(after[i]))
    const which = watched[found]
    if (!which) return undefined
    const [old, now] = [numberText(before[found]), numberText(after[found])]
    return old === now ? `${which.name} was accessed: ${now}` : `${which.name}: ${old} → ${now}`
  }
}

function hexOf(bytes: Uint8Array | undefined): string {
  return Array.from(bytes ?? [], byte => byte.toString(16).padStart(2, '0')).join(' ')
}
/** As the signed number that it is most often; longer ones by their bytes. */
function numberText(bytes: Uint8Array | undefined): string {
  if (!bytes || ![1, 2, 4, 8].includes(bytes.length)) return hexOf(bytes)
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return String(BigInt.asIntN(bytes.length * 8, value))
}
