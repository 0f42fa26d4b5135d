import { I32, type Node, Op } from '@doppel/wasm'
import { readI2, readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import { OPCODES } from '../opcodes.ts'
import type { Frame } from './frame.ts'
import type { Entry } from './operand-stack.ts'
import { valueTypeOf } from './types.ts'

/** Translates the instruction at `frame.at`; the bytes after it are operands. */
export type Arm = (frame: Frame, code: Uint8Array, op: number) => void

/** Arms by opcode. */
export const ARMS: (Arm | undefined)[] = []

/** Declares one arm for opcodes of a range. */
export function arm(from: number, to: number, translate: Arm): void {
  for (let op = from; op <= to; op++) ARMS[op] = translate
}

const KINDS: readonly Kind[] = ['I', 'J', 'F', 'D', 'L']

// Whatever is exactly one instruction of WebAssembly.
OPCODES.forEach((opcode, op) => {
  if (opcode?.wasm === undefined) return
  const [operands = '', result = ''] = opcode.effect.split('->').map(side => side.trim())
  const count = operands.split(' ').length
  const wasm = Op[opcode.wasm as keyof typeof Op]
  arm(op, op, frame => {
    const from = frame.stack.popMany(count)
    const [a, b] = from.map(e => frame.stack.use(e))
    frame.stack.pushNode(result as Kind, frame.fn.op(wasm, a, b), from)
  })
})

// Constants
arm(0x00, 0x00, () => undefined)
arm(0x01, 0x01, f => f.stack.pushNode('L', f.gc.refNull(valueTypeOf('L'))))
arm(0x02, 0x08, (f, _c, op) => f.stack.pushNode('I', f.fn.i32(op - 3)))
arm(0x09, 0x0a, (f, _c, op) => f.stack.pushNode('J', f.fn.i64(op - 9)))
arm(0x0b, 0x0d, (f, _c, op) => f.stack.pushNode('F', f.fn.f32Bits([0, 0x3f800000, 0x40000000][op - 0x0b] as number)))
arm(0x0e, 0x0f, (f, _c, op) => f.stack.pushNode('D', f.fn.f64Bits(0, op === 0x0e ? 0 : 0x3ff00000)))
arm(0x10, 0x10, (f, c) => f.stack.pushNode('I', f.fn.i32(((c[f.at + 1] as number) << 24) >> 24)))
arm(0x11, 0x11, (f, c) => f.stack.pushNode('I', f.fn.i32(readI2(c, f.at + 1))))

// Variables
const load = (f: Frame, index: number, kind: Kind): void => {
  const receiver = index === 0 && kind === 'L' && f.source.hasReceiver
  f.stack.pushLocal(kind, f.stack.variable(index, kind), receiver)
}
const store = (f: Frame, index: number): void => f.stack.assign(index, f.stack.pop())
arm(0x15, 0x19, (f, c, op) => load(f, c[f.at + 1] as number, KINDS[op - 0x15] as Kind))
arm(0x1a, 0x2d, (f, _c, op) => load(f, (op - 0x1a) & 3, KINDS[(op - 0x1a) >> 2] as Kind))
arm(0x36, 0x3a, (f, c) => store(f, c[f.at + 1] as number))
arm(0x3b, 0x4e, (f, _c, op) => store(f, (op - 0x3b) & 3))
const increment = (f: Frame, index: number, by: number): void => {
  const local = f.stack.saveReaders(index, 'I')
  f.fn.set(local, f.fn.op(Op.i32Add, f.fn.get(local), f.fn.i32(by)))
  f.stack.onAssign?.(index, 'I', local)
}
arm(0x84, 0x84, (f, c) => increment(f, c[f.at + 1] as number, ((c[f.at + 2] as number) << 24) >> 24))
/** Instructions besides those on variables that have a wide form: code for a two-byte index. */
export const wideForms: Map<number, (f: Frame, index: number, code: Uint8Array) => void> = new Map()
arm(0xc4, 0xc4, (f, c) => {
  const inner = c[f.at + 1] as number
  const index = readU2(c, f.at + 2)
  const special = wideForms.get(inner)
  if (special) return special(f, index, c)
  if (inner === 0x84) increment(f, index, readI2(c, f.at + 4))
  else if (inner <= 0x19) load(f, index, KINDS[inner - 0x15] as Kind)
  else store(f, index)
})

// The operand stack
const isWide = (e: Entry | undefined): boolean => e?.kind === 'J' || e?.kind === 'D'
/** Takes `words` words off the stack as entries, in the order they were pushed. */
function popWords(f: Frame, words: number): Entry[] {
  const taken: Entry[] = []
  for (let left = words; left > 0; ) {
    const e = f.stack.pop()
    taken.unshift(e)
    left -= isWide(e) ? 2 : 1
  }
  return taken
}
const pushAgain = (f: Frame, entries: readonly Entry[]): void => {
  for (const e of entries) f.stack.entries.push({ ...e })
}
/** dup forms: `words` on top are copied below the `under` words beneath them. */
function duplicate(f: Frame, words: number, under: number): void {
  const top = popWords(f, words)
  const beneath = popWords(f, under)
  for (const e of top) f.stack.share(e)
  pushAgain(f, top)
  pushAgain(f, beneath)
  pushAgain(f, top)
}
arm(0x57, 0x57, f => dropped(f, popWords(f, 1)))
arm(0x58, 0x58, f => dropped(f, popWords(f, 2)))
/** Expressions on the stack have no effects: dropping them is forgetting them. */
function dropped(_f: Frame, _entries: readonly Entry[]): void {}
arm(0x59, 0x5b, (f, _c, op) => duplicate(f, 1, op - 0x59))
arm(0x5c, 0x5e, (f, _c, op) => duplicate(f, 2, op - 0x5c))
arm(0x5f, 0x5f, f => {
  const [a, b] = f.stack.popMany(2) as [Entry, Entry]
  pushAgain(f, [b, a])
})

// Arithmetic that takes more than one instruction
const division =
  (remainder: boolean, long: boolean): Arm =>
  f => {
    const { fn, stack } = f
    const [a, b] = stack.popMany(2) as [Entry, Entry]
    const [x, y] = [stack.hold(a), stack.hold(b)]
    const isZero = fn.op(long ? Op.i64Eqz : Op.i32Eqz, fn.get(y))
    fn.if(isZero, 'unlikely')
    f.mark()
    fn.effect(f.support('arithmetic'))
    fn.unreachable()
    fn.end()
    const kind = long ? 'J' : 'I'
    if (remainder) {
      stack.pushValue(kind, fn.op(long ? Op.i64RemS : Op.i32RemS, fn.get(x), fn.get(y)))
      return
    }
    // The smallest number divided by -1 is itself (JVMS §6.5 idiv), where WebAssembly would trap.
    const result = stack.temp(valueTypeOf(kind))
    fn.if(fn.op(long ? Op.i64Eq : Op.i32Eq, fn.get(y), long ? fn.i64(-1) : fn.i32(-1)), 'unlikely')
    fn.set(result, fn.op(long ? Op.i64Sub : Op.i32Sub, long ? fn.i64(0) : fn.i32(0), fn.get(x)))
    fn.else()
    fn.set(result, fn.op(long ? Op.i64DivS : Op.i32DivS, fn.get(x), fn.get(y)))
    fn.end()
    stack.pushLocal(kind, result)
  }
arm(0x6c, 0x6c, division(false, false))
arm(0x6d, 0x6d, division(false, true))
arm(0x70, 0x70, division(true, false))
arm(0x71, 0x71, division(true, true))
arm(0x72, 0x73, (f, _c, op) => {
  const { fn, stack } = f
  const from = stack.popMany(2)
  const [a, b] = from.map(e => stack.use(e)) as [Node, Node]
  if (op === 0x73) return stack.pushValue('D', f.support('drem', a, b))
  const whole = f.support('drem', fn.op(Op.f64PromoteF32, a), fn.op(Op.f64PromoteF32, b))
  stack.pushValue('F', fn.op(Op.f32DemoteF64, whole))
})
arm(0x74, 0x75, (f, _c, op) => {
  const a = f.stack.pop()
  const long = op === 0x75
  const zero = long ? f.fn.i64(0) : f.fn.i32(0)
  f.stack.pushNode(a.kind, f.fn.op(long ? Op.i64Sub : Op.i32Sub, zero, f.stack.use(a)), [a])
})
for (const [op, wasm] of [
  [0x79, Op.i64Shl],
  [0x7b, Op.i64ShrS],
  [0x7d, Op.i64ShrU],
] as const) {
  arm(op, op, f => {
    const from = f.stack.popMany(2) as [Entry, Entry]
    const a = f.stack.use(from[0])
    const by = f.fn.op(Op.i64ExtendI32U, f.stack.use(from[1]))
    f.stack.pushNode('J', f.fn.op(wasm, a, by), from)
  })
}
arm(0x92, 0x92, f => {
  const a = f.stack.pop()
  f.stack.pushNode('I', f.fn.op(Op.i32And, f.stack.use(a), f.fn.i32(0xffff)), [a])
})
arm(0x94, 0x98, (f, code, op) => {
  const { fn, stack } = f
  const next = f.at + 1
  const branch = code[next] as number
  if (branch >= 0x99 && branch <= 0x9e && !f.blocks.has(next)) {
    const from = stack.popMany(2) as [Entry, Entry]
    stack.pushNode('I', compared(f, op, branch - 0x99, stack.use(from[0]), stack.use(from[1])), from)
    f.condition = stack.entries[stack.depth - 1]
    return
  }
  const [a, b] = stack.popMany(2) as [Entry, Entry]
  const [x, y] = [stack.hold(a), stack.hold(b)]
  const [gt, lt, ge, le] =
    op === 0x94
      ? [Op.i64GtS, Op.i64LtS]
      : op <= 0x96
        ? [Op.f32Gt, Op.f32Lt, Op.f32Ge, Op.f32Le]
        : [Op.f64Gt, Op.f64Lt, Op.f64Ge, Op.f64Le]
  const test = (wasm: number): Node => fn.op(wasm, fn.get(x), fn.get(y))
  // fcmpl answers -1 and fcmpg 1 when either is NaN.
  const less = op === 0x95 || op === 0x97 ? fn.op(Op.i32Eqz, test(ge as number)) : test(lt as number)
  const greater = op === 0x96 || op === 0x98 ? fn.op(Op.i32Eqz, test(le as number)) : test(gt as number)
  const result = stack.temp(I32)
  fn.set(result, fn.op(Op.i32Sub, greater, less))
  stack.pushLocal('I', result)
})

/** Comparisons by what is compared and by the branch after it: =, ≠, <, ≥, >, ≤. */
const COMPARED = [
  [Op.i64Eq, Op.i64Ne, Op.i64LtS, Op.i64GeS, Op.i64GtS, Op.i64LeS],
  [Op.f32Eq, Op.f32Ne, Op.f32Lt, Op.f32Ge, Op.f32Gt, Op.f32Le],
  [Op.f64Eq, Op.f64Ne, Op.f64Lt, Op.f64Ge, Op.f64Gt, Op.f64Le],
] as const

/** Whether the branch after a comparison is taken. With a NaN, fcmpl counts as less and fcmpg as greater. */
function compared({ fn }: Frame, op: number, branch: number, x: Node, y: Node): Node {
  const ops = COMPARED[(op - 0x93) >> 1] as (typeof COMPARED)[number]
  const nanIsLess = op === 0x95 || op === 0x97
  const takenByNan = nanIsLess ? branch === 2 || branch === 5 : branch === 3 || branch === 4
  if (op === 0x94 || branch < 2 || !takenByNan) return fn.op(ops[branch] as number, x, y)
  // The opposite comparison is false with a NaN.
  return fn.op(Op.i32Eqz, fn.op(ops[branch ^ 1] as number, x, y))
}
