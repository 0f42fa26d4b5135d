import { ATE, DoppelError, type DwarfLocation, hex } from '@doppel/base'
import type { GuestMember, GuestType } from './guest-types.ts'

/** The program's memory and registers, as one of its frames has them. */
export interface DataAccess {
  readMemory(address: bigint, lengthBytes: number): Uint8Array | undefined
  /** False where it cannot be written. */
  writeMemory(address: bigint, bytes: Uint8Array): boolean
  register(number: number): bigint | undefined
  /** False where it cannot be written, as a register of a caller's that nobody has saved. */
  writeRegister(number: number, value: bigint): boolean
  /** The name of what is at an address, e.g. `pool+16`. */
  nameAt(address: bigint): string | undefined
}

/** A typed object of the program's, or a value that is nowhere. */
export interface Datum {
  readonly type: GuestType
  /** Where it is, if it is in memory. */
  readonly address?: bigint | undefined
  /** Its bytes; undefined where they are not to be had: optimized out, or not mapped. */
  readonly read: () => Uint8Array | undefined
  /** Gives it other bytes; false where that cannot be. Absent for what is no object. */
  readonly write?: ((bytes: Uint8Array) => boolean) | undefined
  /** Which bits of the bytes it is, for a bit-field. */
  readonly bits?: { readonly offset: number; readonly size: number } | undefined
}

/** More than that is not read for a value: nobody looks at it. */
const MAX_OBJECT_BYTES = 1 << 20
const REGISTER_BYTES = 8

/** An object in memory. */
export function datumAt(type: GuestType, address: bigint, access: DataAccess): Datum {
  const length = Math.min(type.sizeBytes, MAX_OBJECT_BYTES)
  return {
    type,
    address,
    read: () => {
      const bytes = access.readMemory(address, length)
      return bytes?.length === length ? bytes : undefined
    },
    write: bytes => access.writeMemory(address, bytes),
  }
}
/** An object wherever its location description has led; undefined: nowhere. */
export function datumOf(type: GuestType, location: DwarfLocation | undefined, access: DataAccess): Datum {
  if (!location) return { type, read: () => undefined }
  if (location.kind === 'memory') return datumAt(type, location.address, access)
  const length = Math.min(type.sizeBytes, MAX_OBJECT_BYTES)
  const { kind } = location
  return {
    type,
    read: () => bytesOf(location, length, access),
    ...(kind === 'register' && {
      write: (bytes: Uint8Array) => access.writeRegister(location.register, widened(bytes, type)),
    }),
  }
}
/** A value that is nowhere. */
export function constantDatum(type: GuestType, value: bigint): Datum {
  const bytes = bytesOfNumber(value, type.sizeBytes)
  return { type, read: () => bytes }
}
/** A number as memory has it, the least byte first. */
export function bytesOfNumber(value: bigint, lengthBytes: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn))
}

function bytesOf(location: DwarfLocation, length: number, access: DataAccess): Uint8Array | undefined {
  switch (location.kind) {
    case 'memory':
      return access.readMemory(location.address, length)
    case 'register': {
      const value = access.register(location.register)
      return value === undefined || length > REGISTER_BYTES ? undefined : bytesOfNumber(value, length)
    }
    case 'value':
      return bytesOfNumber(location.value, length)
    case 'bytes':
      return location.bytes.length < length ? undefined : location.bytes.subarray(0, length)
    case 'pieces': {
      const joined = new Uint8Array(length)
      let at = 0
      for (const piece of location.pieces) {
        const size = Math.min(piece.sizeBytes, length - at)
        const bytes = piece.location && bytesOf(piece.location, size, access)
        if (bytes?.length !== size) return undefined
        joined.set(bytes, at)
        at += size
      }
      return at === length ? joined : undefined
    }
  }
}
/** A narrow integer is extended in its register by its sign, as the calling convention has it for 32 bits. */
function widened(bytes: Uint8Array, type: GuestType): bigint {
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const isFloat = type.kind === 'base' && type.encoding === ATE.float
  // A single is boxed: all bits above are set (RISC-V Unpriv. §"NaN Boxing").
  if (isFloat && bytes.length === 4) return value | (0xffff_ffffn << 32n)
  return BigInt.asUintN(64, bytes.length === 4 ? BigInt.asIntN(32, value) : value)
}

/** A part of a structure. */
export function memberOf(whole: Datum, { type, offsetBytes, bits }: GuestMember, access: DataAccess): Datum {
  if (whole.address !== undefined && !bits) return datumAt(type, whole.address + BigInt(offsetBytes), access)
  const first = bits ? Math.floor(bits.offset / 8) : offsetBytes
  const length = bits ? Math.floor((bits.offset + bits.size - 1) / 8) - first + 1 : type.sizeBytes
  return {
    type,
    read: () => whole.read()?.slice(first, first + length),
    ...(bits && { bits: { offset: bits.offset - first * 8, size: bits.size } }),
    ...(bits &&
      whole.address !== undefined && {
        address: whole.address + BigInt(first),
        write: (bytes: Uint8Array) => access.writeMemory((whole.address as bigint) + BigInt(first), bytes),
      }),
  }
}
/** An element of an array, also one beyond its end. */
export function elementOf(whole: Datum, element: GuestType, index: number, access: DataAccess): Datum {
  const offset = index * element.sizeBytes
  if (whole.address !== undefined) return datumAt(element, whole.address + BigInt(offset), access)
  return { type: element, read: () => whole.read()?.slice(offset, offset + element.sizeBytes) }
}

/** Whether a type's numbers may be less than 0. */
export function isSigned(type: GuestType): boolean {
  if (type.kind === 'enumeration') return type.isSigned
  return type.kind === 'base' && (type.encoding === ATE.signed || type.encoding === ATE.signedChar)
}
/** Whether a type's numbers have fractions. */
export function isFloat(type: GuestType): boolean {
  return type.kind === 'base' && type.encoding === ATE.float
}

/** The number that an integer, pointer, enumeration or bit-field has. Throws `debug.value` where it has none that can be read. */
export function numberOf(datum: Datum): bigint {
  const { type, bits } = datum
  if (type.kind === 'array' || type.kind === 'function') {
    if (datum.address !== undefined) return datum.address
  }
  if (type.kind === 'struct' || type.kind === 'void' || isFloat(type)) {
    throw new DoppelError('debug.value', `a ${type.name} is no integer`)
  }
  const bytes = readable(datum)
  const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const size = bits?.size ?? bytes.length * 8
  const value = whole >> BigInt(bits?.offset ?? 0)
  return isSigned(type) ? BigInt.asIntN(size, value) : BigInt.asUintN(size, value)
}
/** Throws `debug.value` for what is not to be had. */
export function readable(datum: Datum): Uint8Array {
  const bytes = datum.read()
  if (bytes) return bytes
  const where = datum.address === undefined ? '<optimized out>' : `nothing is mapped at ${hex(datum.address)}`
  throw new DoppelError('debug.value', where)
}
