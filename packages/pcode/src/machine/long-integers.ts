import { Problem } from './problem.ts'
import type { MachineMemory } from './memory.ts'

/** Decimal digits that a long integer may have (UCSD Pascal). */
export const MAX_LONG_DIGITS = 36
/** Bytes of a long integer: a little-endian word of 128 bits in two's complement, which has room for all digits. */
export const LONG_BYTES = 16

const BOUNDS: readonly bigint[] = Array.from({ length: MAX_LONG_DIGITS + 1 }, (_, digits) => 10n ** BigInt(digits))
const LOW_BITS = 64n
const LOW_MASK = (1n << LOW_BITS) - 1n

/** A long integer of so many digits at most; another one is an overflow. */
export function longWithin(value: bigint, digits: number): bigint {
  const bound = BOUNDS[digits] as bigint
  if (value >= bound || value <= -bound) throw new Problem('longOverflow', [digits])
  return value
}

/** The long integer at an address; one that was never assigned is larger than any that was. */
export function loadLong({ view }: MachineMemory, address: number): bigint {
  const at = address >>> 0
  const value = (view.getBigInt64(at + 8, true) << LOW_BITS) | view.getBigUint64(at, true)
  const bound = BOUNDS[MAX_LONG_DIGITS] as bigint
  if (value >= bound || value <= -bound) throw new Problem('undefined')
  return value
}

/** Puts a long integer of so many digits at an address. */
export function storeLong(
  { view }: MachineMemory,
  address: number,
  value: bigint,
  digits: number = MAX_LONG_DIGITS,
): void {
  writeLong(view, address >>> 0, longWithin(value, digits))
}

function writeLong(view: DataView, at: number, value: bigint): void {
  view.setBigUint64(at, value & LOW_MASK, true)
  view.setBigInt64(at + 8, value >> LOW_BITS, true)
}

/** The bytes of a long integer, each as a character, for a table of constants. */
export function longText(value: bigint): string {
  const bytes = new Uint8Array(LONG_BYTES)
  writeLong(new DataView(bytes.buffer), 0, value)
  return String.fromCharCode(...bytes)
}
