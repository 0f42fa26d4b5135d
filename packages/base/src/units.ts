import { DoppelError } from './errors.ts'

/** Bytes in one kibibyte, mebibyte, gibibyte. */
export const KIB = 1024
export const MIB: number = 1024 * KIB
export const GIB: number = 1024 * MIB

/** Bytes in a guest page and in a machine frame. */
export const PAGE_BYTES = 4096

const SUFFIX: Readonly<Record<string, number>> = { '': 1, K: KIB, M: MIB, G: GIB }

/**
 * Reads a size as people write it (`512M`, `2G`, `65536`), in bytes. Binary multiples; the suffix may be lower case
 * and followed by `iB` or `B`. Throws `size.syntax` when it is not one.
 */
export function parseSize(text: string, defaultSuffix: '' | 'K' | 'M' | 'G' = ''): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim())
  if (!match) throw new DoppelError('size.syntax', `'${text}' is not a size; write for example 512M or 2G`, { text })
  const scale = SUFFIX[match[2]?.toUpperCase() || defaultSuffix] ?? 1
  return Math.round(Number(match[1]) * scale)
}

/** Shows a byte count with one decimal and a binary unit, e.g. `31.4 MiB`. */
export function formatSize(bytes: number): string {
  for (const [unit, scale] of [
    ['GiB', GIB],
    ['MiB', MIB],
    ['KiB', KIB],
  ] as const) {
    if (bytes >= scale) return `${(bytes / scale).toFixed(1)} ${unit}`
  }
  return `${bytes} B`
}
