import type { DebugTarget } from '@doppel/base'
import { bigOf, fromHex, hexNumber, toHex } from './hex.ts'
import { MAX_PACKET_BYTES } from './packets.ts'

/** Bytes of memory in one packet: two digits each. */
const MAX_READ_BYTES = (MAX_PACKET_BYTES - 16) / 2

/** Whose registers, and by which addresses. */
export interface TargetAccess {
  readonly target: DebugTarget
  readonly thread: number
  readonly isPhysical: boolean
}

/** `g`: all general registers, as digits. */
export function readAll({ target, thread }: TargetAccess): string {
  const registers = target.features[0]?.registers ?? []
  return registers.map(({ bits }, i) => toHex(target.readRegister(thread, i)) ?? 'x'.repeat(bits / 4)).join('')
}
/** `G`. */
export function writeAll({ target, thread }: TargetAccess, digits: string): boolean {
  let at = 0
  const registers = target.features[0]?.registers ?? []
  for (const [i, { bits }] of registers.entries()) {
    const bytes = fromHex(digits.slice(at, (at += bits / 4)))
    if (!bytes || !target.writeRegister(thread, i, bytes)) return false
  }
  return true
}
/** `P`: a register's number, `=`, its bytes as digits. */
export function writeRegister({ target, thread }: TargetAccess, rest: string): boolean {
  const [register, digits = ''] = rest.split('=', 2)
  const bytes = fromHex(digits)
  return bytes !== undefined && target.writeRegister(thread, hexNumber(register) ?? -1, bytes)
}

/** `m`: an address and a length; digits of as much as can be read, undefined where nothing can. */
export function readMemory({ target, thread, isPhysical }: TargetAccess, rest: string): string | undefined {
  const [address, length] = rest.split(',', 2).map(bigOf)
  if (address === undefined || length === undefined) return undefined
  const bytes = target.readMemory(thread, address, Math.min(Number(length), MAX_READ_BYTES), isPhysical)
  return bytes.length === 0 && length > 0n ? undefined : toHex(bytes)
}
/** `M` and `X`: an address, a length, `:`, and the bytes in some form. */
export function writeMemory(
  { target, thread, isPhysical }: TargetAccess,
  rest: string,
  bytesOf: (data: string) => Uint8Array | undefined,
): boolean {
  const colon = rest.indexOf(':')
  const [address, length] = rest.slice(0, colon).split(',', 2).map(bigOf)
  const bytes = bytesOf(rest.slice(colon + 1))
  if (colon < 0 || address === undefined || bytes?.length !== Number(length)) return false
  return target.writeMemory(thread, address, bytes, isPhysical)
}
