import { readI4 } from './class-file/bytes.ts'

/**
 * What follows an opcode: b signed byte, s signed short, l local, k/K one- or two-byte constant index, j/J two- or
 * four-byte branch, i local and signed byte, t array type, m constant and dimensions, n constant, count and zero,
 * d constant and two zeros; T/L the two switches; w `wide`.
 */
export type Operands = '' | 'b' | 's' | 'l' | 'k' | 'K' | 'j' | 'J' | 'i' | 't' | 'm' | 'n' | 'd' | 'T' | 'L' | 'w'

/** One instruction of the Java virtual machine (JVMS §6.5). */
export interface Opcode {
  readonly name: string
  readonly operands: Operands
  /** Kinds popped, left to right as pushed, and kinds pushed; `?` where constants or the stack decide. */
  readonly effect: string
  /** The instruction of WebAssembly that is exactly it, by its key in `Op`. */
  readonly wasm?: string
}

const table: (Opcode | undefined)[] = []
const row = (code: number, name: string, operands: Operands, effect: string, wasm?: string): void => {
  table[code] = wasm === undefined ? { name, operands, effect } : { name, operands, effect, wasm }
}
/** Rows for consecutive codes. */
const rows = (code: number, names: string, operands: Operands, effect: string): void =>
  names.split(' ').forEach((name, i) => row(code + i, name, operands, effect))

row(0x00, 'nop', '', '->')
row(0x01, 'aconst_null', '', '-> L')
rows(0x02, 'iconst_m1 iconst_0 iconst_1 iconst_2 iconst_3 iconst_4 iconst_5', '', '-> I')
rows(0x09, 'lconst_0 lconst_1', '', '-> J')
rows(0x0b, 'fconst_0 fconst_1 fconst_2', '', '-> F')
rows(0x0e, 'dconst_0 dconst_1', '', '-> D')
row(0x10, 'bipush', 'b', '-> I')
row(0x11, 'sipush', 's', '-> I')
row(0x12, 'ldc', 'k', '-> ?')
row(0x13, 'ldc_w', 'K', '-> ?')
row(0x14, 'ldc2_w', 'K', '-> ?')
'IJFDL'.split('').forEach((kind, i) => {
  const letter = 'ilfda'[i] as string
  const typed = (name: string): string => [0, 1, 2, 3].map(n => `${letter}${name}_${n}`).join(' ')
  row(0x15 + i, `${letter}load`, 'l', `-> ${kind}`)
  rows(0x1a + i * 4, typed('load'), '', `-> ${kind}`)
  row(0x36 + i, `${letter}store`, 'l', `${kind} ->`)
  rows(0x3b + i * 4, typed('store'), '', `${kind} ->`)
})
'IJFDLIII'.split('').forEach((kind, i) => {
  row(0x2e + i, `${'ilfdabcs'[i]}aload`, '', `L I -> ${kind}`)
  row(0x4f + i, `${'ilfdabcs'[i]}astore`, '', `L I ${kind} ->`)
})
rows(0x57, 'pop pop2 dup dup_x1 dup_x2 dup2 dup2_x1 dup2_x2 swap', '', '?')
'IJFD'.split('').forEach((kind, i) => {
  const letter = 'ilfd'[i] as string
  const wasm = ['i32', 'i64', 'f32', 'f64'][i] as string
  const binary = (code: number, name: string, op?: string): void =>
    row(code + i, letter + name, '', `${kind} ${kind} -> ${kind}`, op && wasm + op)
  binary(0x60, 'add', 'Add')
  binary(0x64, 'sub', 'Sub')
  binary(0x68, 'mul', 'Mul')
  // Integer division and every remainder need more than one instruction.
  binary(0x6c, 'div', i > 1 ? 'Div' : undefined)
  binary(0x70, 'rem')
  row(0x74 + i, `${letter}neg`, '', `${kind} -> ${kind}`, i > 1 ? `${wasm}Neg` : undefined)
})
'IJ'.split('').forEach((kind, i) => {
  const letter = 'il'[i] as string
  const wasm = ['i32', 'i64'][i] as string
  row(0x78 + i, `${letter}shl`, '', `${kind} I -> ${kind}`, i ? undefined : 'i32Shl')
  row(0x7a + i, `${letter}shr`, '', `${kind} I -> ${kind}`, i ? undefined : 'i32ShrS')
  row(0x7c + i, `${letter}ushr`, '', `${kind} I -> ${kind}`, i ? undefined : 'i32ShrU')
  row(0x7e + i, `${letter}and`, '', `${kind} ${kind} -> ${kind}`, `${wasm}And`)
  row(0x80 + i, `${letter}or`, '', `${kind} ${kind} -> ${kind}`, `${wasm}Or`)
  row(0x82 + i, `${letter}xor`, '', `${kind} ${kind} -> ${kind}`, `${wasm}Xor`)
})
row(0x84, 'iinc', 'i', '->')
row(0x85, 'i2l', '', 'I -> J', 'i64ExtendI32S')
row(0x86, 'i2f', '', 'I -> F', 'f32ConvertI32S')
row(0x87, 'i2d', '', 'I -> D', 'f64ConvertI32S')
row(0x88, 'l2i', '', 'J -> I', 'i32WrapI64')
row(0x89, 'l2f', '', 'J -> F', 'f32ConvertI64S')
row(0x8a, 'l2d', '', 'J -> D', 'f64ConvertI64S')
row(0x8b, 'f2i', '', 'F -> I', 'i32TruncSatF32S')
row(0x8c, 'f2l', '', 'F -> J', 'i64TruncSatF32S')
row(0x8d, 'f2d', '', 'F -> D', 'f64PromoteF32')
row(0x8e, 'd2i', '', 'D -> I', 'i32TruncSatF64S')
row(0x8f, 'd2l', '', 'D -> J', 'i64TruncSatF64S')
row(0x90, 'd2f', '', 'D -> F', 'f32DemoteF64')
row(0x91, 'i2b', '', 'I -> I', 'i32Extend8S')
row(0x92, 'i2c', '', 'I -> I')
row(0x93, 'i2s', '', 'I -> I', 'i32Extend16S')
row(0x94, 'lcmp', '', 'J J -> I')
rows(0x95, 'fcmpl fcmpg', '', 'F F -> I')
rows(0x97, 'dcmpl dcmpg', '', 'D D -> I')
rows(0x99, 'ifeq ifne iflt ifge ifgt ifle', 'j', 'I ->')
rows(0x9f, 'if_icmpeq if_icmpne if_icmplt if_icmpge if_icmpgt if_icmple', 'j', 'I I ->')
rows(0xa5, 'if_acmpeq if_acmpne', 'j', 'L L ->')
row(0xa7, 'goto', 'j', '->')
row(0xa8, 'jsr', 'j', '-> L')
row(0xa9, 'ret', 'l', '->')
row(0xaa, 'tableswitch', 'T', 'I ->')
row(0xab, 'lookupswitch', 'L', 'I ->')
'IJFDL'.split('').forEach((kind, i) => row(0xac + i, `${'ilfda'[i]}return`, '', `${kind} ->`))
row(0xb1, 'return', '', '->')
row(0xb2, 'getstatic', 'K', '-> ?')
row(0xb3, 'putstatic', 'K', '? ->')
row(0xb4, 'getfield', 'K', 'L -> ?')
row(0xb5, 'putfield', 'K', 'L ? ->')
rows(0xb6, 'invokevirtual invokespecial invokestatic', 'K', '?')
row(0xb9, 'invokeinterface', 'n', '?')
row(0xba, 'invokedynamic', 'd', '?')
row(0xbb, 'new', 'K', '-> L')
row(0xbc, 'newarray', 't', 'I -> L')
row(0xbd, 'anewarray', 'K', 'I -> L')
row(0xbe, 'arraylength', '', 'L -> I')
row(0xbf, 'athrow', '', 'L ->')
row(0xc0, 'checkcast', 'K', 'L -> L')
row(0xc1, 'instanceof', 'K', 'L -> I')
rows(0xc2, 'monitorenter monitorexit', '', 'L ->')
row(0xc4, 'wide', 'w', '?')
row(0xc5, 'multianewarray', 'm', '?')
rows(0xc6, 'ifnull ifnonnull', 'j', 'L ->')
row(0xc8, 'goto_w', 'J', '->')
row(0xc9, 'jsr_w', 'J', '-> L')

/** Every opcode by its code; undefined where JVMS defines none. */
export const OPCODES: readonly (Opcode | undefined)[] = table

const OPERAND_BYTES: Readonly<Record<string, number>> = {
  '': 0,
  b: 1,
  s: 2,
  l: 1,
  k: 1,
  K: 2,
  j: 2,
  J: 4,
  i: 2,
  t: 1,
  m: 3,
  n: 4,
  d: 4,
}

/** Bytes that the instruction at `at` takes; 0 when there is none or it reaches past the end. */
export function instructionLength(code: Uint8Array, at: number): number {
  const opcode = table[code[at] as number]
  if (!opcode) return 0
  const length = lengthOf(code, at, opcode)
  return length > 0 && at + length <= code.length ? length : 0
}

function lengthOf(code: Uint8Array, at: number, opcode: Opcode): number {
  const aligned = (at + 4) & ~3
  switch (opcode.operands) {
    case 'T': {
      if (aligned + 12 > code.length) return 0
      const count = readI4(code, aligned + 8) - readI4(code, aligned + 4) + 1
      return count < 1 || count > 65_536 ? 0 : aligned + 12 + count * 4 - at
    }
    case 'L': {
      if (aligned + 8 > code.length) return 0
      const count = readI4(code, aligned + 4)
      return count < 0 || count > 65_536 ? 0 : aligned + 8 + count * 8 - at
    }
    case 'w': {
      const inner = table[code[at + 1] as number]
      return inner?.operands === 'l' ? 4 : inner?.operands === 'i' ? 6 : 0
    }
    default:
      return 1 + (OPERAND_BYTES[opcode.operands] as number)
  }
}
