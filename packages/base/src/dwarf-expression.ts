import { DwarfReader } from './dwarf-reader.ts'

/** What an expression is computed from. Undefined for what is not known (any more). */
export interface ExpressionContext {
  register(number: number): bigint | undefined
  readMemory(address: bigint, lengthBytes: number): Uint8Array | undefined
  /** Where the frame's variables count from (DW_AT_frame_base). */
  frameBase?(): bigint | undefined
  /** The canonical frame address. */
  cfa?(): bigint | undefined
  /** What an expression was when the function was entered. */
  entryValue?(expression: Uint8Array): bigint | undefined
  /** By how much the guest has its code and data elsewhere than the file says. */
  readonly moved: bigint
  /** An address of the unit's table, as the file says. */
  indexedAddress?(index: number): bigint
}

/** Where an object is (DWARF 5 §2.6.1). */
export type DwarfLocation =
  | { readonly kind: 'memory'; readonly address: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'value'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'pieces'; readonly pieces: readonly DwarfPiece[] }

/** A part of an object; without a location it is nowhere. */
export interface DwarfPiece {
  readonly location: DwarfLocation | undefined
  readonly sizeBytes: number
}

/** Operations, DWARF 5 §7.7.1; those in rows of 32 by the first of them. */
const OP = {
  addr: 0x03,
  deref: 0x06,
  const1u: 0x08,
  const1s: 0x09,
  const2u: 0x0a,
  const2s: 0x0b,
  const4u: 0x0c,
  const4s: 0x0d,
  const8u: 0x0e,
  const8s: 0x0f,
  constu: 0x10,
  consts: 0x11,
  dup: 0x12,
  drop: 0x13,
  over: 0x14,
  pick: 0x15,
  swap: 0x16,
  rot: 0x17,
  abs: 0x19,
  and: 0x1a,
  div: 0x1b,
  minus: 0x1c,
  mod: 0x1d,
  mul: 0x1e,
  neg: 0x1f,
  not: 0x20,
  or: 0x21,
  plus: 0x22,
  plusUconst: 0x23,
  shl: 0x24,
  shr: 0x25,
  shra: 0x26,
  xor: 0x27,
  bra: 0x28,
  eq: 0x29,
  ge: 0x2a,
  gt: 0x2b,
  le: 0x2c,
  lt: 0x2d,
  ne: 0x2e,
  skip: 0x2f,
  lit0: 0x30,
  reg0: 0x50,
  breg0: 0x70,
  regx: 0x90,
  fbreg: 0x91,
  bregx: 0x92,
  piece: 0x93,
  derefSize: 0x94,
  nop: 0x96,
  callFrameCfa: 0x9c,
  implicitValue: 0x9e,
  stackValue: 0x9f,
  addrx: 0xa1,
  constx: 0xa2,
  entryValue: 0xa3,
  regvalType: 0xa5,
  convert: 0xa8,
  reinterpret: 0xa9,
  gnuEntryValue: 0xf3,
  gnuRegvalType: 0xf5,
  gnuConvert: 0xf7,
  gnuReinterpret: 0xf9,
} as const
const ROW = 32
/** Operations that may be carried out, loops included. */
const MAX_OPERATIONS = 10_000
const MAX_STACK = 1000

const signed = (value: bigint): bigint => BigInt.asIntN(64, value)
const truth = (is: boolean): bigint => (is ? 1n : 0n)
const BINARY: Readonly<Record<number, (a: bigint, b: bigint) => bigint | undefined>> = {
  [OP.and]: (a, b) => a & b,
  [OP.div]: (a, b) => (b === 0n ? undefined : signed(a) / signed(b)),
  [OP.minus]: (a, b) => a - b,
  [OP.mod]: (a, b) => (b === 0n ? undefined : a % b),
  [OP.mul]: (a, b) => a * b,
  [OP.or]: (a, b) => a | b,
  [OP.plus]: (a, b) => a + b,
  [OP.shl]: (a, b) => (b > 63n ? 0n : a << b),
  [OP.shr]: (a, b) => (b > 63n ? 0n : a >> b),
  [OP.shra]: (a, b) => signed(a) >> (b > 63n ? 63n : b),
  [OP.xor]: (a, b) => a ^ b,
  [OP.eq]: (a, b) => truth(a === b),
  [OP.ge]: (a, b) => truth(signed(a) >= signed(b)),
  [OP.gt]: (a, b) => truth(signed(a) > signed(b)),
  [OP.le]: (a, b) => truth(signed(a) <= signed(b)),
  [OP.lt]: (a, b) => truth(signed(a) < signed(b)),
  [OP.ne]: (a, b) => truth(a !== b),
}
const UNARY: Readonly<Record<number, (a: bigint) => bigint>> = {
  [OP.abs]: a => (signed(a) < 0n ? -a : a),
  [OP.neg]: a => -a,
  [OP.not]: a => ~a,
}

/** Thrown where a value is not to be had: an object is then nowhere. */
class Unknown extends Error {}

/** Where the object of a location description is; undefined where that is nowhere. Throws `dwarf.*` for a damaged one. */
export function locate(expression: Uint8Array, context: ExpressionContext): DwarfLocation | undefined {
  if (expression.length === 0) return undefined
  try {
    return new Evaluation(expression, context).location()
  } catch (error) {
    if (error instanceof Unknown) return undefined
    throw error
  }
}
/** What an expression comes to; undefined where that is not known. Throws `dwarf.*` for a damaged one. */
export function compute(
  expression: Uint8Array,
  context: ExpressionContext,
  begin: readonly bigint[] = [],
): bigint | undefined {
  try {
    return new Evaluation(expression, context, begin).value()
  } catch (error) {
    if (error instanceof Unknown) return undefined
    throw error
  }
}

class Evaluation {
  readonly #reader: DwarfReader
  readonly #context: ExpressionContext
  readonly #stack: bigint[]
  #simple: DwarfLocation | undefined
  readonly #pieces: DwarfPiece[] = []

  constructor(expression: Uint8Array, context: ExpressionContext, begin: readonly bigint[] = []) {
    this.#reader = new DwarfReader(expression, 'a location description')
    this.#context = context
    this.#stack = [...begin]
  }
  value(): bigint {
    this.#run()
    if (this.#simple?.kind === 'value') return this.#simple.value
    if (this.#simple?.kind === 'register') return known(this.#context.register(this.#simple.register))
    return this.#pop()
  }
  location(): DwarfLocation | undefined {
    this.#run()
    if (this.#pieces.length > 0) return { kind: 'pieces', pieces: this.#pieces }
    return this.#here()
  }
  /** Where the operations so far have led. */
  #here(): DwarfLocation | undefined {
    const simple = this.#simple
    this.#simple = undefined
    if (simple) return simple
    const address = this.#stack.pop()
    return address === undefined ? undefined : { kind: 'memory', address }
  }
  #push(value: bigint): void {
    if (this.#stack.length === MAX_STACK) throw this.#reader.fault('limit', `a stack of more than ${MAX_STACK}`)
    this.#stack.push(BigInt.asUintN(64, value))
  }
  #pop(): bigint {
    const value = this.#stack.pop()
    if (value === undefined) throw this.#reader.fault('form', 'an operation finds its stack empty')
    return value
  }
  #pick(depth: number): bigint {
    const value = this.#stack.at(-1 - depth)
    if (value === undefined) throw this.#reader.fault('form', 'an operation finds its stack empty')
    return value
  }
  #run(): void {
    const reader = this.#reader
    for (let count = 0; !reader.isAtEnd; count++) {
      if (count === MAX_OPERATIONS) throw reader.fault('limit', `more than ${MAX_OPERATIONS} operations`)
      this.#operate(reader.u8())
    }
  }
  #register(number: number): bigint {
    return known(this.#context.register(number))
  }
  #operate(op: number): void {
    const reader = this.#reader
    const context = this.#context
    if (op >= OP.lit0 && op < OP.lit0 + ROW) return this.#push(BigInt(op - OP.lit0))
    if (op >= OP.reg0 && op < OP.reg0 + ROW) return void (this.#simple = { kind: 'register', register: op - OP.reg0 })
    if (op >= OP.breg0 && op < OP.breg0 + ROW) return this.#push(this.#register(op - OP.breg0) + reader.sleb())
    const binary = BINARY[op]
    if (binary) {
      const [b, a] = [this.#pop(), this.#pop()]
      return this.#push(known(binary(a, b)))
    }
    const unary = UNARY[op]
    if (unary) return this.#push(unary(this.#pop()))
    switch (op) {
      case OP.addr:
        return this.#push(reader.u64() + context.moved)
      case OP.addrx:
        return this.#push(known(context.indexedAddress?.(reader.length())) + context.moved)
      case OP.constx:
        return this.#push(known(context.indexedAddress?.(reader.length())))
      case OP.deref:
        return this.#push(this.#load(this.#pop(), 8))
      case OP.derefSize: {
        const size = reader.u8()
        if (size < 1 || size > 8) throw reader.fault('form', `a value of ${size} bytes`)
        return this.#push(this.#load(this.#pop(), size))
      }
      case OP.const1u:
        return this.#push(BigInt(reader.u8()))
      case OP.const1s:
        return this.#push(BigInt(reader.i8()))
      case OP.const2u:
        return this.#push(BigInt(reader.u16()))
      case OP.const2s:
        return this.#push(BigInt.asIntN(16, BigInt(reader.u16())))
      case OP.const4u:
        return this.#push(BigInt(reader.u32()))
      case OP.const4s:
        return this.#push(BigInt.asIntN(32, BigInt(reader.u32())))
      case OP.const8u:
      case OP.const8s:
        return this.#push(reader.u64())
      case OP.constu:
        return this.#push(reader.uleb())
      case OP.consts:
        return this.#push(reader.sleb())
      case OP.dup:
        return this.#push(this.#pick(0))
      case OP.drop:
        return void this.#pop()
      case OP.over:
        return this.#push(this.#pick(1))
      case OP.pick:
        return this.#push(this.#pick(reader.u8()))
      case OP.swap: {
        const [b, a] = [this.#pop(), this.#pop()]
        this.#push(b)
        return this.#push(a)
      }
      case OP.rot: {
        const [c, b, a] = [this.#pop(), this.#pop(), this.#pop()]
        this.#push(c)
        this.#push(a)
        return this.#push(b)
      }
      case OP.plusUconst:
        return this.#push(this.#pop() + reader.uleb())
      case OP.bra:
      case OP.skip: {
        const by = (reader.u16() << 16) >> 16
        if (op === OP.skip || this.#pop() !== 0n) this.#jump(reader.at + by)
        return
      }
      case OP.regx:
        return void (this.#simple = { kind: 'register', register: reader.length() })
      case OP.bregx:
        return this.#push(this.#register(reader.length()) + reader.sleb())
      case OP.fbreg: {
        const offset = reader.sleb()
        return this.#push(known(context.frameBase?.()) + offset)
      }
      case OP.callFrameCfa:
        return this.#push(known(context.cfa?.()))
      case OP.nop:
        return
      case OP.piece:
        return this.#piece(reader.length())
      case OP.implicitValue:
        return void (this.#simple = { kind: 'bytes', bytes: this.#block(reader.length()) })
      case OP.stackValue:
        return void (this.#simple = { kind: 'value', value: this.#pop() })
      case OP.entryValue:
      case OP.gnuEntryValue:
        return this.#push(known(context.entryValue?.(this.#block(reader.length()))))
      default:
        // Types of their own, threads' variables, other files: what is not known here has no place.
        throw new Unknown()
    }
  }
  #block(lengthBytes: number): Uint8Array {
    const from = this.#reader.at
    this.#reader.skip(lengthBytes)
    return this.#reader.bytes.subarray(from, this.#reader.at)
  }
  #piece(sizeBytes: number): void {
    if (sizeBytes > MAX_PIECE_BYTES) throw this.#reader.fault('limit', `a piece of ${sizeBytes} bytes`)
    this.#pieces.push({ location: this.#here(), sizeBytes })
  }
  #jump(to: number): void {
    if (to < 0 || to > this.#reader.bytes.length) throw this.#reader.fault('form', 'a jump leads outside')
    this.#reader.at = to
  }
  #load(address: bigint, lengthBytes: number): bigint {
    const bytes = this.#context.readMemory(address, lengthBytes)
    if (bytes?.length !== lengthBytes) throw new Unknown()
    return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  }
}
const MAX_PIECE_BYTES = 1 << 20

function known(value: bigint | undefined): bigint {
  if (value === undefined) throw new Unknown()
  return value
}
