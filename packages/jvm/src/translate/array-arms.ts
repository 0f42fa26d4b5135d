import { USE } from '../archive/recording.ts'
import { I16, I32, I8, type Local, type Node, Op, ref } from '@doppel/wasm'
import { readU2 } from '../class-file/bytes.ts'
import type { Kind } from '../class-file/descriptor.ts'
import type { Frame } from './frame.ts'
import type { Entry } from './operand-stack.ts'
import { arm } from './simple-arms.ts'
import { classAt } from './resolved.ts'
import { siteFor } from './sites.ts'
import { ARRAY, ARRAYS, DIMENSIONS_ADDRESS, T, VT } from './types.ts'

/** Letters of `ARRAYS` in the order of the opcodes: iaload to saload. */
const LETTERS = 'IJFDLBCS'

/** An array whose index has been found in bounds: all in locals. */
interface Checked {
  readonly array: Local
  readonly elements: Local
  readonly index: Local
}

/** Checks array and index. */
function checked(f: Frame, letter: string, arrayEntry: Entry, indexEntry: Entry): Checked {
  const { fn, gc, stack } = f
  const a = ARRAYS[letter] as (typeof ARRAYS)[string]
  const { wrapper } = a
  f.mark()
  const index = stack.hold(indexEntry)
  const array = stack.temp(ref(wrapper))
  fn.set(array, f.nonNull(wrapper, arrayEntry))
  const elements = stack.keep(gc.structGet(wrapper, ARRAY.elements, ref(a.elements, false), fn.get(array)))
  const length = (): Node => gc.arrayLength(fn.get(elements))
  // The very comparison that the access makes again: the engine sees that it is one.
  fn.if(fn.op(Op.i32Eqz, fn.op(Op.i32LtU, fn.get(index), length())), 'unlikely')
  fn.effect(f.support('index', fn.get(index), length()))
  fn.unreachable()
  fn.end()
  return { array, elements, index }
}

arm(0x2e, 0x35, (f, _code, op) => {
  const letter = LETTERS[op - 0x2e] as string
  const { gc, fn, stack } = f
  const [arrayEntry, indexEntry] = stack.popMany(2) as [Entry, Entry]
  const checks = checked(f, letter, arrayEntry, indexEntry)
  const a = ARRAYS[letter] as (typeof ARRAYS)[string]
  const elements = fn.get(checks.elements)
  const at = fn.get(checks.index)
  const value =
    letter === 'C'
      ? gc.arrayGetU(a.elements, elements, at)
      : a.storage === I8 || a.storage === I16
        ? gc.arrayGetS(a.elements, elements, at)
        : gc.arrayGet(a.elements, a.value, elements, at)
  stack.pushValue('BCS'.includes(letter) ? 'I' : (letter as Kind), value)
})

arm(0x4f, 0x56, (f, _code, op) => {
  const letter = LETTERS[op - 0x4f] as string
  const { gc, fn, stack } = f
  const [arrayEntry, indexEntry, valueEntry] = stack.popMany(3) as [Entry, Entry, Entry]
  const value = letter === 'L' ? stack.hold(valueEntry) : undefined
  const { array, elements, index } = checked(f, letter, arrayEntry, indexEntry)
  const a = ARRAYS[letter] as (typeof ARRAYS)[string]
  if (value !== undefined) checkStore(f, array, value)
  gc.arraySet(a.elements, fn.get(elements), fn.get(index), value === undefined ? stack.use(valueEntry) : fn.get(value))
})

/** ArrayStoreException unless the value is null, of the element class, or a subtype of it. */
function checkStore(f: Frame, array: Local, value: Local): void {
  const { fn, gc, vm } = f
  fn.if(fn.op(Op.i32Eqz, gc.refIsNull(fn.get(value))))
  const element = f.stack.keep(gc.structGet(T.vt, VT.element, I32, f.recordOf(fn.get(array))))
  fn.if(fn.op(Op.i32Ne, fn.get(element), fn.i32(vm.objectClassId)))
  fn.if(fn.op(Op.i32Ne, fn.get(element), gc.structGet(T.vt, VT.id, I32, f.recordOf(fn.get(value)))))
  fn.if(fn.op(Op.i32Eqz, f.support('instanceOf', fn.get(value), fn.get(element))), 'unlikely')
  fn.effect(f.support('arrayStore', fn.get(value)))
  fn.end()
  fn.end()
  fn.end()
  fn.end()
}

arm(0xbe, 0xbe, f => {
  f.mark()
  f.stack.pushValue('I', f.gc.structGet(T.array, ARRAY.length, I32, f.nonNull(T.array, f.stack.pop())))
})

/** Element descriptors by the operand of newarray (JVMS table 6.5.newarray-A). */
const PRIMITIVE_CODES = 'ZCFDBSIJ'
arm(0xbc, 0xbc, (f, code) => {
  const letter = PRIMITIVE_CODES[(code[f.at + 1] as number) - 4] as string
  f.mark()
  const cls = f.vm.classes.boot(`[${letter}`)
  f.context.recording?.uses(cls, USE.loaded)
  f.stack.pushValue('L', f.support('newArray', f.fn.i32(cls.id), f.stack.use(f.stack.pop())), true)
})
arm(0xbd, 0xbd, (f, code) => {
  const index = readU2(code, f.at + 1)
  const element = classAt(f, index)
  const length = f.stack.pop()
  f.mark()
  if (!element) {
    const site = siteFor(f, 'I)L', code)
    return f.stack.pushValue('L', site([f.stack.use(length)]), true)
  }
  const cls = f.vm.classes.arrayOf(element)
  f.context.recording?.uses(cls, USE.loaded)
  f.stack.pushValue('L', f.support('newArray', f.fn.i32(cls.id), f.stack.use(length)), true)
})

arm(0xc5, 0xc5, (f, code) => {
  const count = code[f.at + 3] as number
  const lengths = f.stack.popMany(count)
  f.mark()
  const cls = classAt(f, readU2(code, f.at + 1))
  if (!cls) {
    const site = siteFor(f, `${'I'.repeat(count)})L`, code)
    return f.stack.pushValue('L', site(lengths.map(e => f.stack.use(e))), true)
  }
  lengths.forEach((e, i) => f.fn.store(Op.i32Store, f.fn.i32(0), f.stack.use(e), DIMENSIONS_ADDRESS + i * 4))
  f.stack.pushValue('L', f.support('multiNewArray', f.fn.i32(cls.id), f.fn.i32(count)), true)
})
