import { classFormatError } from '../problem.ts'

/** Reads big-endian numbers; past the end is a ClassFormatError, as “Truncated class file”. */
export class ClassReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
  /** What errors call the class. */
  where = 'Unknown'

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  need(count: number): void {
    if (this.at + count > this.end) throw classFormatError('Truncated class file', this.where)
  }
  u1(): number {
    this.need(1)
    return this.bytes[this.at++] as number
  }
  u2(): number {
    this.need(2)
    const value = readU2(this.bytes, this.at)
    this.at += 2
    return value
  }
  u4(): number {
    this.need(4)
    const value = readI4(this.bytes, this.at) >>> 0
    this.at += 4
    return value
  }
  skip(count: number): void {
    this.need(count)
    this.at += count
  }
}

/** The unsigned 16-bit number at `at`. */
export function readU2(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
/** The signed 16-bit number at `at`. */
export function readI2(bytes: Uint8Array, at: number): number {
  return (readU2(bytes, at) << 16) >> 16
}
/** The signed 32-bit number at `at`. */
export function readI4(bytes: Uint8Array, at: number): number {
  return (readU2(bytes, at) << 16) | readU2(bytes, at + 2)
}
