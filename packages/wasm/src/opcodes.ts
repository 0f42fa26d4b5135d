import { F32, F64, I32, I64, V128, VOID, type ValueType } from './types.ts'

/** What follows an opcode in the binary (Core spec §5.4). Atomic accesses state the alignment they need: theirs. */
export const Immediate = {
  none: 0,
  memory: 1,
  index: 2,
  i32: 3,
  i64: 4,
  f32: 5,
  f64: 6,
  lane: 7,
  zero: 8,
  atomic32: 9,
  atomic64: 10,
} as const

/** Prefixed opcodes share one number space with plain ones: `(prefix page << 9) | code`. */
const PAGES = [0, 0xfc, 0xfd, 0xfe, 0xfb] as const
const PAGE_BITS = 9
const TABLE_SIZE: number = PAGES.length << PAGE_BITS

/** What follows an opcode, an `Immediate`. */
export const immediateOf: Uint8Array = new Uint8Array(TABLE_SIZE)
/** Operands an opcode takes; 255 where no opcode is declared. */
export const arityOf: Uint8Array = new Uint8Array(TABLE_SIZE).fill(255)
/** The type an opcode produces, `VOID` for none. */
export const resultOf: Int32Array = new Int32Array(TABLE_SIZE).fill(VOID)
/** Operand types, eight bits each, the first lowest. */
export const operandsOf: Int32Array = new Int32Array(TABLE_SIZE)
/** Names in the text format. */
export const nameOf: string[] = []

const TYPES: Readonly<Record<string, ValueType>> = { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128 }

/** The instructions that expressions use, one row each: code with its prefix, text name, `operands -> result`, immediate. */
const TABLE = {
  memoryFill: [0xfc0b, 'memory.fill', 'i32 i32 i32 ->', 'zero'],
  i32Load: [0x28, 'i32.load', 'i32 -> i32', 'memory'],
  i64Load: [0x29, 'i64.load', 'i32 -> i64', 'memory'],
  f32Load: [0x2a, 'f32.load', 'i32 -> f32', 'memory'],
  f64Load: [0x2b, 'f64.load', 'i32 -> f64', 'memory'],
  i32Load8S: [0x2c, 'i32.load8_s', 'i32 -> i32', 'memory'],
  i32Load8U: [0x2d, 'i32.load8_u', 'i32 -> i32', 'memory'],
  i32Load16S: [0x2e, 'i32.load16_s', 'i32 -> i32', 'memory'],
  i32Load16U: [0x2f, 'i32.load16_u', 'i32 -> i32', 'memory'],
  i64Load8S: [0x30, 'i64.load8_s', 'i32 -> i64', 'memory'],
  i64Load8U: [0x31, 'i64.load8_u', 'i32 -> i64', 'memory'],
  i64Load16S: [0x32, 'i64.load16_s', 'i32 -> i64', 'memory'],
  i64Load16U: [0x33, 'i64.load16_u', 'i32 -> i64', 'memory'],
  i64Load32S: [0x34, 'i64.load32_s', 'i32 -> i64', 'memory'],
  i64Load32U: [0x35, 'i64.load32_u', 'i32 -> i64', 'memory'],
  i32Store: [0x36, 'i32.store', 'i32 i32 ->', 'memory'],
  i64Store: [0x37, 'i64.store', 'i32 i64 ->', 'memory'],
  f32Store: [0x38, 'f32.store', 'i32 f32 ->', 'memory'],
  f64Store: [0x39, 'f64.store', 'i32 f64 ->', 'memory'],
  i32Store8: [0x3a, 'i32.store8', 'i32 i32 ->', 'memory'],
  i32Store16: [0x3b, 'i32.store16', 'i32 i32 ->', 'memory'],
  i64Store8: [0x3c, 'i64.store8', 'i32 i64 ->', 'memory'],
  i64Store16: [0x3d, 'i64.store16', 'i32 i64 ->', 'memory'],
  i64Store32: [0x3e, 'i64.store32', 'i32 i64 ->', 'memory'],
  i32Const: [0x41, 'i32.const', '-> i32', 'i32'],
  i64Const: [0x42, 'i64.const', '-> i64', 'i64'],
  f32Const: [0x43, 'f32.const', '-> f32', 'f32'],
  f64Const: [0x44, 'f64.const', '-> f64', 'f64'],
  i32Eqz: [0x45, 'i32.eqz', 'i32 -> i32'],
  i32Eq: [0x46, 'i32.eq', 'i32 i32 -> i32'],
  i32Ne: [0x47, 'i32.ne', 'i32 i32 -> i32'],
  i32LtS: [0x48, 'i32.lt_s', 'i32 i32 -> i32'],
  i32LtU: [0x49, 'i32.lt_u', 'i32 i32 -> i32'],
  i32GtS: [0x4a, 'i32.gt_s', 'i32 i32 -> i32'],
  i32GtU: [0x4b, 'i32.gt_u', 'i32 i32 -> i32'],
  i32LeS: [0x4c, 'i32.le_s', 'i32 i32 -> i32'],
  i32LeU: [0x4d, 'i32.le_u', 'i32 i32 -> i32'],
  i32GeS: [0x4e, 'i32.ge_s', 'i32 i32 -> i32'],
  i32GeU: [0x4f, 'i32.ge_u', 'i32 i32 -> i32'],
  i64Eqz: [0x50, 'i64.eqz', 'i64 -> i32'],
  i64Eq: [0x51, 'i64.eq', 'i64 i64 -> i32'],
  i64Ne: [0x52, 'i64.ne', 'i64 i64 -> i32'],
  i64LtS: [0x53, 'i64.lt_s', 'i64 i64 -> i32'],
  i64LtU: [0x54, 'i64.lt_u', 'i64 i64 -> i32'],
  i64GtS: [0x55, 'i64.gt_s', 'i64 i64 -> i32'],
  i64GtU: [0x56, 'i64.gt_u', 'i64 i64 -> i32'],
  i64LeS: [0x57, 'i64.le_s', 'i64 i64 -> i32'],
  i64LeU: [0x58, 'i64.le_u', 'i64 i64 -> i32'],
  i64GeS: [0x59, 'i64.ge_s', 'i64 i64 -> i32'],
  i64GeU: [0x5a, 'i64.ge_u', 'i64 i64 -> i32'],
  f32Eq: [0x5b, 'f32.eq', 'f32 f32 -> i32'],
  f32Ne: [0x5c, 'f32.ne', 'f32 f32 -> i32'],
  f32Lt: [0x5d, 'f32.lt', 'f32 f32 -> i32'],
  f32Gt: [0x5e, 'f32.gt', 'f32 f32 -> i32'],
  f32Le: [0x5f, 'f32.le', 'f32 f32 -> i32'],
  f32Ge: [0x60, 'f32.ge', 'f32 f32 -> i32'],
  f64Eq: [0x61, 'f64.eq', 'f64 f64 -> i32'],
  f64Ne: [0x62, 'f64.ne', 'f64 f64 -> i32'],
  f64Lt: [0x63, 'f64.lt', 'f64 f64 -> i32'],
  f64Gt: [0x64, 'f64.gt', 'f64 f64 -> i32'],
  f64Le: [0x65, 'f64.le', 'f64 f64 -> i32'],
  f64Ge: [0x66, 'f64.ge', 'f64 f64 -> i32'],
  i32Clz: [0x67, 'i32.clz', 'i32 -> i32'],
  i32Ctz: [0x68, 'i32.ctz', 'i32 -> i32'],
  i32Popcnt: [0x69, 'i32.popcnt', 'i32 -> i32'],
  i32Add: [0x6a, 'i32.add', 'i32 i32 -> i32'],
  i32Sub: [0x6b, 'i32.sub', 'i32 i32 -> i32'],
  i32Mul: [0x6c, 'i32.mul', 'i32 i32 -> i32'],
  i32DivS: [0x6d, 'i32.div_s', 'i32 i32 -> i32'],
  i32DivU: [0x6e, 'i32.div_u', 'i32 i32 -> i32'],
  i32RemS: [0x6f, 'i32.rem_s', 'i32 i32 -> i32'],
  i32RemU: [0x70, 'i32.rem_u', 'i32 i32 -> i32'],
  i32And: [0x71, 'i32.and', 'i32 i32 -> i32'],
  i32Or: [0x72, 'i32.or', 'i32 i32 -> i32'],
  i32Xor: [0x73, 'i32.xor', 'i32 i32 -> i32'],
  i32Shl: [0x74, 'i32.shl', 'i32 i32 -> i32'],
  i32ShrS: [0x75, 'i32.shr_s', 'i32 i32 -> i32'],
  i32ShrU: [0x76, 'i32.shr_u', 'i32 i32 -> i32'],
  i32Rotl: [0x77, 'i32.rotl', 'i32 i32 -> i32'],
  i32Rotr: [0x78, 'i32.rotr', 'i32 i32 -> i32'],
  i64Clz: [0x79, 'i64.clz', 'i64 -> i64'],
  i64Ctz: [0x7a, 'i64.ctz', 'i64 -> i64'],
  i64Popcnt: [0x7b, 'i64.popcnt', 'i64 -> i64'],
  i64Add: [0x7c, 'i64.add', 'i64 i64 -> i64'],
  i64Sub: [0x7d, 'i64.sub', 'i64 i64 -> i64'],
  i64Mul: [0x7e, 'i64.mul', 'i64 i64 -> i64'],
  i64DivS: [0x7f, 'i64.div_s', 'i64 i64 -> i64'],
  i64DivU: [0x80, 'i64.div_u', 'i64 i64 -> i64'],
  i64RemS: [0x81, 'i64.rem_s', 'i64 i64 -> i64'],
  i64RemU: [0x82, 'i64.rem_u', 'i64 i64 -> i64'],
  i64And: [0x83, 'i64.and', 'i64 i64 -> i64'],
  i64Or: [0x84, 'i64.or', 'i64 i64 -> i64'],
  i64Xor: [0x85, 'i64.xor', 'i64 i64 -> i64'],
  i64Shl: [0x86, 'i64.shl', 'i64 i64 -> i64'],
  i64ShrS: [0x87, 'i64.shr_s', 'i64 i64 -> i64'],
  i64ShrU: [0x88, 'i64.shr_u', 'i64 i64 -> i64'],
  i64Rotl: [0x89, 'i64.rotl', 'i64 i64 -> i64'],
  i64Rotr: [0x8a, 'i64.rotr', 'i64 i64 -> i64'],
  f32Abs: [0x8b, 'f32.abs', 'f32 -> f32'],
  f32Neg: [0x8c, 'f32.neg', 'f32 -> f32'],
  f32Sqrt: [0x91, 'f32.sqrt', 'f32 -> f32'],
  f32Add: [0x92, 'f32.add', 'f32 f32 -> f32'],
  f32Sub: [0x93, 'f32.sub', 'f32 f32 -> f32'],
  f32Mul: [0x94, 'f32.mul', 'f32 f32 -> f32'],
  f32Div: [0x95, 'f32.div', 'f32 f32 -> f32'],
  f64Abs: [0x99, 'f64.abs', 'f64 -> f64'],
  f64Neg: [0x9a, 'f64.neg', 'f64 -> f64'],
  f64Ceil: [0x9b, 'f64.ceil', 'f64 -> f64'],
  f64Floor: [0x9c, 'f64.floor', 'f64 -> f64'],
  f64Trunc: [0x9d, 'f64.trunc', 'f64 -> f64'],
  f64Nearest: [0x9e, 'f64.nearest', 'f64 -> f64'],
  f64Sqrt: [0x9f, 'f64.sqrt', 'f64 -> f64'],
  f64Min: [0xa4, 'f64.min', 'f64 f64 -> f64'],
  f64Max: [0xa5, 'f64.max', 'f64 f64 -> f64'],
  f32Min: [0x96, 'f32.min', 'f32 f32 -> f32'],
  f32Max: [0x97, 'f32.max', 'f32 f32 -> f32'],
  f32ConvertI32S: [0xb2, 'f32.convert_i32_s', 'i32 -> f32'],
  f32ConvertI64S: [0xb4, 'f32.convert_i64_s', 'i64 -> f32'],
  i32TruncSatF32S: [0xfc00, 'i32.trunc_sat_f32_s', 'f32 -> i32'],
  i64TruncSatF32S: [0xfc04, 'i64.trunc_sat_f32_s', 'f32 -> i64'],
  f64Add: [0xa0, 'f64.add', 'f64 f64 -> f64'],
  f64Sub: [0xa1, 'f64.sub', 'f64 f64 -> f64'],
  f64Mul: [0xa2, 'f64.mul', 'f64 f64 -> f64'],
  f64Div: [0xa3, 'f64.div', 'f64 f64 -> f64'],
  i32WrapI64: [0xa7, 'i32.wrap_i64', 'i64 -> i32'],
  i64ExtendI32S: [0xac, 'i64.extend_i32_s', 'i32 -> i64'],
  i64ExtendI32U: [0xad, 'i64.extend_i32_u', 'i32 -> i64'],
  f32DemoteF64: [0xb6, 'f32.demote_f64', 'f64 -> f32'],
  f64ConvertI32S: [0xb7, 'f64.convert_i32_s', 'i32 -> f64'],
  f64ConvertI32U: [0xb8, 'f64.convert_i32_u', 'i32 -> f64'],
  f64ConvertI64S: [0xb9, 'f64.convert_i64_s', 'i64 -> f64'],
  f64ConvertI64U: [0xba, 'f64.convert_i64_u', 'i64 -> f64'],
  f64PromoteF32: [0xbb, 'f64.promote_f32', 'f32 -> f64'],
  i32ReinterpretF32: [0xbc, 'i32.reinterpret_f32', 'f32 -> i32'],
  i64ReinterpretF64: [0xbd, 'i64.reinterpret_f64', 'f64 -> i64'],
  f32ReinterpretI32: [0xbe, 'f32.reinterpret_i32', 'i32 -> f32'],
  f64ReinterpretI64: [0xbf, 'f64.reinterpret_i64', 'i64 -> f64'],
  i32Extend8S: [0xc0, 'i32.extend8_s', 'i32 -> i32'],
  i32Extend16S: [0xc1, 'i32.extend16_s', 'i32 -> i32'],
  i64Extend8S: [0xc2, 'i64.extend8_s', 'i64 -> i64'],
  i64Extend16S: [0xc3, 'i64.extend16_s', 'i64 -> i64'],
  i64Extend32S: [0xc4, 'i64.extend32_s', 'i64 -> i64'],
  i32TruncSatF64S: [0xfc02, 'i32.trunc_sat_f64_s', 'f64 -> i32'],
  i64TruncSatF64S: [0xfc06, 'i64.trunc_sat_f64_s', 'f64 -> i64'],
  i64TruncSatF64U: [0xfc07, 'i64.trunc_sat_f64_u', 'f64 -> i64'],
  f64x2Splat: [0xfd14, 'f64x2.splat', 'f64 -> v128'],
  f64x2ExtractLane: [0xfd21, 'f64x2.extract_lane', 'v128 -> f64', 'lane'],
  f64x2RelaxedMadd: [0xfd107, 'f64x2.relaxed_madd', 'v128 v128 v128 -> v128'],
  atomicFence: [0xfe03, 'atomic.fence', '->', 'zero'],
  i64AtomicLoad: [0xfe11, 'i64.atomic.load', 'i32 -> i64', 'atomic64'],
  i64AtomicLoad32U: [0xfe16, 'i64.atomic.load32_u', 'i32 -> i64', 'atomic32'],
  i32AtomicRmwAdd: [0xfe1e, 'i32.atomic.rmw.add', 'i32 i32 -> i32', 'atomic32'],
  i64AtomicRmwAdd: [0xfe1f, 'i64.atomic.rmw.add', 'i32 i64 -> i64', 'atomic64'],
  i64AtomicRmw32AddU: [0xfe24, 'i64.atomic.rmw32.add_u', 'i32 i64 -> i64', 'atomic32'],
  i64AtomicRmwAnd: [0xfe2d, 'i64.atomic.rmw.and', 'i32 i64 -> i64', 'atomic64'],
  i64AtomicRmw32AndU: [0xfe32, 'i64.atomic.rmw32.and_u', 'i32 i64 -> i64', 'atomic32'],
  i64AtomicRmwOr: [0xfe34, 'i64.atomic.rmw.or', 'i32 i64 -> i64', 'atomic64'],
  i64AtomicRmw32OrU: [0xfe39, 'i64.atomic.rmw32.or_u', 'i32 i64 -> i64', 'atomic32'],
  i64AtomicRmwXor: [0xfe3b, 'i64.atomic.rmw.xor', 'i32 i64 -> i64', 'atomic64'],
  i64AtomicRmw32XorU: [0xfe40, 'i64.atomic.rmw32.xor_u', 'i32 i64 -> i64', 'atomic32'],
  i64AtomicRmwXchg: [0xfe42, 'i64.atomic.rmw.xchg', 'i32 i64 -> i64', 'atomic64'],
  i64AtomicRmw32XchgU: [0xfe47, 'i64.atomic.rmw32.xchg_u', 'i32 i64 -> i64', 'atomic32'],
  i64AtomicRmwCmpxchg: [0xfe49, 'i64.atomic.rmw.cmpxchg', 'i32 i64 i64 -> i64', 'atomic64'],
  i64AtomicRmw32CmpxchgU: [0xfe4e, 'i64.atomic.rmw32.cmpxchg_u', 'i32 i64 i64 -> i64', 'atomic32'],
} as const

function register([code, name, signature, immediate]: readonly [
  number,
  string,
  string,
  (keyof typeof Immediate)?,
]): number {
  const prefix = code > 0xffff ? code >> 12 : code >> 8
  const op = (PAGES.indexOf(prefix as 0) << PAGE_BITS) | (code > 0xffff ? code & 0xfff : code & 255)
  const [left, right] = signature.split('->').map(part => part.trim().split(/\s+/).filter(Boolean)) as [
    string[],
    string[],
  ]
  immediateOf[op] = Immediate[immediate ?? 'none']
  arityOf[op] = left.length
  resultOf[op] = right[0] ? (TYPES[right[0]] as number) : VOID
  operandsOf[op] = left.reduce((packed, type, i) => packed | ((TYPES[type] as number) << (8 * i)), 0)
  nameOf[op] = name
  return op
}

/** Opcodes by name. Control flow is the structurer's; locals and calls are the builder's. */
export const Op = Object.fromEntries(Object.entries(TABLE).map(([key, row]) => [key, register(row)])) as {
  readonly [name in keyof typeof TABLE]: number
}

/** An opcode by its prefix (0 when it has none) and code. */
export function opcodeOf(prefix: number, code: number): number {
  return (PAGES.indexOf(prefix as 0) << PAGE_BITS) | code
}
/** Splits an opcode of this table back into its prefix (0 when none) and code. */
export function prefixOf(op: number): number {
  return PAGES[op >> PAGE_BITS] as number
}
/** An opcode's code, without its prefix. */
export function codeOf(op: number): number {
  return op & ((1 << PAGE_BITS) - 1)
}
