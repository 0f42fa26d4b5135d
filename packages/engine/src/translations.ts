import { hashWords } from '@doppel/base'
import type { SavedRegion } from './saved-region.ts'

/**
 * Translations kept from run to run. A region's code depends on its instructions' bytes and on the translator alone, so each
 * is kept with those bytes, and used only where they are found again; the file as a whole belongs to one translator.
 *
 *     magic · key · hash of the rest (two words each) · count · regions
 *
 * All numbers are 32-bit little-endian words, byte strings have their length before them and are padded to words.
 */
const MAGIC = 0x31544c44
const HEADER_WORDS = 5
/** A file grows no larger: what this run did not use makes room. */
export const MAX_FILE_BYTES: number = 8 << 20
/** More regions than any run makes, so that a damaged count is seen as such. */
const MAX_REGIONS = 20_000
const PAGE_BYTES = 4096

/** The file's bytes: `used` regions first, then as many of `others` as there is room for. */
export function encodeTranslations(
  key: readonly [number, number],
  used: readonly SavedRegion[],
  others: readonly SavedRegion[],
): Uint8Array {
  const words: number[] = []
  const identity = (r: SavedRegion): string =>
    `${r.root} ${r.barrier} ${r.patient} ${r.bounds.join()} ${r.guest.join()}`
  const seen = new Set<string>()
  let count = 0
  for (const region of [...used, ...others]) {
    const identifier = identity(region)
    if (seen.has(identifier) || count === MAX_REGIONS) continue
    seen.add(identifier)
    const start = words.length
    words.push(region.root, region.barrier, region.patient ? 1 : 0, region.bounds.length, ...region.bounds)
    pushBytes(words, region.guest)
    pushBytes(words, region.code)
    words.push(region.hints.length, ...region.hints)
    if (words.length * 4 > MAX_FILE_BYTES - 64) {
      words.length = start
      break
    }
    count++
  }
  const file = new Int32Array(HEADER_WORDS + 1 + words.length)
  file[HEADER_WORDS] = count
  file.set(words, HEADER_WORDS + 1)
  file.set([MAGIC, ...key, ...hashWords(file.subarray(HEADER_WORDS))])
  return new Uint8Array(file.buffer)
}

function pushBytes(words: number[], bytes: Uint8Array): void {
  words.push(bytes.length)
  for (let i = 0; i < bytes.length; i += 4) {
    const at = (n: number): number => bytes[i + n] ?? 0
    words.push(at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24))
  }
}

/** The regions of a file, which lie in one copy of it; none when it is damaged, or another translator's. */
export function decodeTranslations(file: Uint8Array, key: readonly [number, number]): SavedRegion[] {
  if (file.length < (HEADER_WORDS + 1) * 4 || file.length % 4 !== 0 || file.length > MAX_FILE_BYTES) return []
  const bytes = new Uint8Array(file)
  const words = new Int32Array(bytes.buffer)
  const hash = hashWords(words.subarray(HEADER_WORDS))
  const header = [MAGIC, ...key, ...hash]
  if (header.some((word, i) => words[i] !== word)) return []
  let at = HEADER_WORDS
  const word = (): number => {
    if (at >= words.length) throw new RangeError('the file ends early')
    return words[at++] as number
  }
  const length = (most: number): number => {
    const value = word()
    if (value < 0 || value > most) throw new RangeError(`${value} is no length`)
    return value
  }
  const take = (): Uint8Array => {
    const count = length(bytes.length - at * 4)
    const from = at * 4
    at += Math.ceil(count / 4)
    return bytes.subarray(from, from + count)
  }
  const takeWords = (most: number): Int32Array => {
    const count = length(most)
    const from = at
    at += count
    if (at > words.length) throw new RangeError('the file ends early')
    return words.subarray(from, at)
  }
  const one = (): SavedRegion => {
    const [root, barrier, patient] = [length(PAGE_BYTES), word(), word() === 1]
    const bounds = takeWords(PAGE_BYTES)
    if (bounds.some(bound => bound < 0 || bound > PAGE_BYTES)) throw new RangeError('a bound is outside the page')
    return { root, barrier, patient, bounds, guest: take(), code: take(), hints: takeWords(words.length) }
  }
  try {
    return Array.from({ length: length(MAX_REGIONS) }, one)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}
