import { ByteReader } from './byte-reader.ts'
import { Immediate, immediateOf, nameOf, opcodeOf } from './opcodes.ts'

/** Control instructions and variable accesses, which the opcode table does not have: name, and what follows in the code. */
const CONTROL: Readonly<Record<number, readonly [name: string, operands: string]>> = {
  0x00: ['unreachable', ''],
  0x01: ['nop', ''],
  0x02: ['block', 'type'],
  0x03: ['loop', 'type'],
  0x04: ['if', 'type'],
  0x05: ['else', ''],
  0x0b: ['end', ''],
  0x0c: ['br', 'index'],
  0x0d: ['br_if', 'index'],
  0x0e: ['br_table', 'table'],
  0x0f: ['return', ''],
  0x10: ['call', 'function'],
  0x11: ['call_indirect', 'two'],
  0x12: ['return_call', 'function'],
  0x13: ['return_call_indirect', 'two'],
  0x1a: ['drop', ''],
  0x1b: ['select', ''],
  0x20: ['local.get', 'index'],
  0x21: ['local.set', 'index'],
  0x22: ['local.tee', 'index'],
  0x23: ['global.get', 'index'],
  0x24: ['global.set', 'index'],
}
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0x7f: 'i32',
  0x7e: 'i64',
  0x7d: 'f32',
  0x7c: 'f64',
  0x7b: 'v128',
}
const OPENS = new Set([0x02, 0x03, 0x04])
const ELSE = 0x05
const END = 0x0b
/** A longer table is shown by its length and its default. */
const MAX_TABLE = 16

/**
 * A function's encoded body (Core spec §5.4) in the text format, one instruction a line; for what our own emitter writes. Functions are
 * called by their names where there are any.
 */
export function functionText(code: Uint8Array, functionNames?: ReadonlyMap<number, string>): string {
  const reader = new ByteReader(code)
  const lines: string[] = []
  const runs = reader.u32()
  for (let i = 0; i < runs; i++) {
    const count = reader.u32()
    lines.push(`(local ${count} x ${TYPE_NAMES[reader.u8()] ?? 'ref'})`)
  }
  for (let depth = 1; depth > 0 && !reader.atEnd; ) {
    const byte = reader.u8()
    if (byte === END) depth--
    const indent = '  '.repeat(Math.max(byte === ELSE ? depth - 1 : depth, 0))
    lines.push(indent + (CONTROL[byte] ? control(byte, reader, functionNames) : plain(byte, reader)))
    if (OPENS.has(byte)) depth++
  }
  return lines.join('\n')
}

function control(byte: number, reader: ByteReader, functionNames?: ReadonlyMap<number, string>): string {
  const [name, operands] = CONTROL[byte] as readonly [string, string]
  switch (operands) {
    case 'type': {
      const type = reader.u8()
      return TYPE_NAMES[type] ? `${name} (result ${TYPE_NAMES[type]})` : name
    }
    case 'index':
      return `${name} ${reader.u32()}`
    case 'function': {
      const index = reader.u32()
      const called = functionNames?.get(index)
      return called === undefined ? `${name} ${index}` : `${name} $${called}`
    }
    case 'two':
      return `${name} ${reader.u32()} ${reader.u32()}`
    case 'table': {
      const targets = Array.from({ length: reader.u32() }, () => reader.u32())
      const fallback = reader.u32()
      const shown = targets.length <= MAX_TABLE ? targets.join(' ') : `(${targets.length} targets)`
      return `${name} ${shown} ${fallback}`
    }
    default:
      return name
  }
}

function plain(byte: number, reader: ByteReader): string {
  const prefixed = byte >= 0xfc
  const op = opcodeOf(prefixed ? byte : 0, prefixed ? reader.u32() : byte)
  const name = nameOf[op] ?? `0x${byte.toString(16)}`
  switch (immediateOf[op]) {
    case Immediate.memory:
    case Immediate.atomic32:
    case Immediate.atomic64: {
      reader.u32()
      const offset = reader.u32()
      return offset === 0 ? name : `${name} offset=${offset}`
    }
    case Immediate.i32:
    case Immediate.i64:
      return `${name} ${reader.signed()}`
    case Immediate.f32:
      return `${name} ${reader.float(4)}`
    case Immediate.f64:
      return `${name} ${reader.float(8)}`
    case Immediate.index:
    case Immediate.lane:
    case Immediate.zero:
      return `${name} ${reader.u32()}`
    default:
      return name
  }
}
