import { readI2, readU2 } from '../class-file/bytes.ts'
import { Tag } from '../class-file/constant-pool.ts'
import { instructionLength, OPCODES } from '../opcodes.ts'
import { call, dynamicCall, field } from './members.ts'
import type { MethodCheck } from './method-check.ts'
import type { TypeState } from './state.ts'
import { isReference, isUninitialized, isWide, NULL, OBJECT, THROWABLE, TOP, type VType } from './types.ts'

/** Types of the letters in an opcode’s effect; arrays of primitives by opcode order: i l f d a b c s. */
const ELEMENTS = ['[I', '[J', '[F', '[D', '', '[B', '[C', '[S'] as const
const ELEMENT_TYPES = 'IJFDLIII'
const NEW_ARRAYS = 'ZCFDBSIJ'
const LOCAL_KINDS = 'IJFDL'

/** Executes the instruction at `at` on types (JVMS §4.10.1.9): `state` becomes what holds after it. */
export function execute(m: MethodCheck, state: TypeState, at: number): void {
  const { code } = m
  const op = code[at] as number
  if (op >= 0x15 && op <= 0x2d) return load(m, state, at, op)
  if (op >= 0x36 && op <= 0x4e) return store(m, state, at, op)
  if (op >= 0x2e && op <= 0x35) return arrayLoad(m, state, op - 0x2e)
  if (op >= 0x4f && op <= 0x56) return arrayStore(m, state, op - 0x4f)
  if (op >= 0x57 && op <= 0x5f) return shuffle(m, state, op)
  if (op >= 0xac && op <= 0xb1) return leave(m, state, op)
  switch (op) {
    case 0x01:
      return m.push(state, NULL)
    case 0x12:
    case 0x13:
    case 0x14:
      return constant(m, state, op === 0x12 ? (code[at + 1] as number) : readU2(code, at + 1), op === 0x14)
    case 0x84:
      m.expectLocal(state, code[at + 1] as number, 'I')
      return
    case 0xa5:
    case 0xa6:
      m.popAnyReference(state)
      m.popAnyReference(state)
      return
    case 0xa8:
    case 0xc9:
      return m.push(state, `r${at + (op === 0xa8 ? readI2(code, at + 1) : m.wideOffset(at))}`)
    case 0xa9:
      m.returnAddress(state, code[at + 1] as number)
      return
    case 0xb2:
    case 0xb3:
    case 0xb4:
    case 0xb5:
      return field(m, state, op, readU2(code, at + 1))
    case 0xb6:
    case 0xb7:
    case 0xb8:
    case 0xb9:
      return call(m, state, op, at)
    case 0xba:
      return dynamicCall(m, state, at)
    case 0xbb:
      return create(m, state, at)
    case 0xbc: {
      const letter = NEW_ARRAYS[(code[at + 1] as number) - 4]
      if (letter === undefined) m.fail('Illegal newarray instruction')
      m.pop(state, 'I')
      return m.push(state, `[${letter}`)
    }
    case 0xbd:
      m.pop(state, 'I')
      return m.push(state, m.arrayOf(m.classAt(readU2(code, at + 1))))
    case 0xbe: {
      const array = m.popReference(state)
      if (array !== NULL && array[0] !== '[') m.fail('Bad type on operand stack')
      return m.push(state, 'I')
    }
    case 0xbf:
      m.pop(state, THROWABLE)
      return
    case 0xc0:
    case 0xc1: {
      const type = m.classAt(readU2(code, at + 1))
      m.popReference(state)
      return m.push(state, op === 0xc0 ? type : 'I')
    }
    case 0xc2:
    case 0xc3:
    case 0xc6:
    case 0xc7:
      m.popAnyReference(state)
      return
    case 0xc4:
      return wide(m, state, at)
    case 0xc5:
      return multiArray(m, state, at)
  }
  simple(m, state, op)
}

/** Whatever its row says exactly. */
function simple(m: MethodCheck, state: TypeState, op: number): void {
  const [from = '', to = ''] = (OPCODES[op]?.effect ?? '').split('->').map(side => side.trim())
  for (const type of from.split(' ').reverse()) if (type) m.pop(state, type)
  if (to) m.push(state, to)
}

function load(m: MethodCheck, state: TypeState, at: number, op: number): void {
  const [kind, index] = op < 0x1a ? [op - 0x15, m.code[at + 1] as number] : [(op - 0x1a) >> 2, (op - 0x1a) & 3]
  loadLocal(m, state, LOCAL_KINDS[kind] as string, index)
}
function loadLocal(m: MethodCheck, state: TypeState, kind: string, index: number): void {
  if (kind !== 'L') {
    m.expectLocal(state, index, kind)
    return m.push(state, kind)
  }
  m.checkIndex(index, 1)
  const type = state.locals[index] ?? TOP
  if (!isReference(type) && !isUninitialized(type)) m.fail('Bad local variable type')
  m.push(state, type)
}
function store(m: MethodCheck, state: TypeState, at: number, op: number): void {
  const [kind, index] = op < 0x3b ? [op - 0x36, m.code[at + 1] as number] : [(op - 0x3b) >> 2, (op - 0x3b) & 3]
  storeLocal(m, state, LOCAL_KINDS[kind] as string, index)
}
function storeLocal(m: MethodCheck, state: TypeState, kind: string, index: number): void {
  let type: VType = kind
  if (kind === 'L') {
    type = m.popValue(state)
    if (!isReference(type) && !isUninitialized(type) && type[0] !== 'r') m.fail('Bad type on operand stack')
  } else m.pop(state, kind)
  m.checkIndex(index, isWide(type) ? 2 : 1)
  state.setLocal(index, type)
}
function wide(m: MethodCheck, state: TypeState, at: number): void {
  const op = m.code[at + 1] as number
  const index = readU2(m.code, at + 2)
  if (op === 0x84) m.expectLocal(state, index, 'I')
  else if (op === 0xa9) m.returnAddress(state, index)
  else if (op <= 0x19) loadLocal(m, state, LOCAL_KINDS[op - 0x15] as string, index)
  else storeLocal(m, state, LOCAL_KINDS[op - 0x36] as string, index)
}

function arrayLoad(m: MethodCheck, state: TypeState, which: number): void {
  m.pop(state, 'I')
  const array = popArray(m, state, which)
  const element = ELEMENT_TYPES[which] as string
  m.push(state, element === 'L' ? (array === NULL ? NULL : array.slice(1)) : element)
}
function arrayStore(m: MethodCheck, state: TypeState, which: number): void {
  const element = ELEMENT_TYPES[which] as string
  m.pop(state, element === 'L' ? OBJECT : element)
  m.pop(state, 'I')
  popArray(m, state, which)
}
function popArray(m: MethodCheck, state: TypeState, which: number): VType {
  const array = m.popValue(state)
  const expected = ELEMENTS[which] as string
  const right =
    array === NULL ||
    (expected === '' ? array[0] === '[' && isReference(array.slice(1)) : array === expected) ||
    (expected === '[B' && array === '[Z')
  if (!right) m.fail('Bad type on operand stack')
  return array
}

/** pop to swap. Longs and doubles are never taken apart. */
function shuffle(m: MethodCheck, state: TypeState, op: number): void {
  /** Takes values of so many words off the stack, in the order they were pushed. */
  const take = (words: number): VType[] => {
    const taken: VType[] = []
    for (let left = words; left > 0; ) {
      const type = m.popValue(state)
      left -= isWide(type) ? 2 : 1
      if (left < 0) m.fail('Bad type on operand stack')
      taken.unshift(type)
    }
    return taken
  }
  const put = (...groups: VType[][]): void => {
    for (const group of groups) for (const type of group) m.push(state, type)
  }
  if (op === 0x57) return void take(1)
  if (op === 0x58) return void take(2)
  if (op === 0x5f) {
    const top = take(1)
    return put(top, take(1))
  }
  const top = take(op >= 0x5c ? 2 : 1)
  const under = take((op - 0x59) % 3)
  put(top, under, top)
}

function leave(m: MethodCheck, state: TypeState, op: number): void {
  const { result } = m
  const kind = result === 'V' ? 'V' : isReference(result) ? 'L' : result
  if (kind !== (op === 0xb1 ? 'V' : LOCAL_KINDS[op - 0xac])) m.fail('Wrong return type in function')
  if (op !== 0xb1) m.pop(state, result)
  else if (state.thisUninitialized) m.fail('Constructor must call super() or this() before return')
}

function constant(m: MethodCheck, state: TypeState, index: number, two: boolean): void {
  const { pool, major } = m.file
  const type = ((): VType | undefined => {
    switch (pool.tag(index)) {
      case Tag.integer:
        return 'I'
      case Tag.float:
        return 'F'
      case Tag.long:
        return 'J'
      case Tag.double:
        return 'D'
      case Tag.string:
        return 'Ljava/lang/String;'
      case Tag.class:
        return major >= 49 ? 'Ljava/lang/Class;' : undefined
      case Tag.methodHandle:
        return 'Ljava/lang/invoke/MethodHandle;'
      case Tag.methodType:
        return 'Ljava/lang/invoke/MethodType;'
      case Tag.dynamic: {
        const { descriptor } = pool.dynamic(index)
        return 'ZBCS'.includes(descriptor) ? 'I' : descriptor
      }
      default:
        return undefined
    }
  })()
  if (type === undefined || isWide(type) !== two) m.fail(`Illegal type at constant pool entry ${index} in class`)
  m.push(state, type)
}

function create(m: MethodCheck, state: TypeState, at: number): void {
  const type = m.classAt(readU2(m.code, at + 1))
  if (type[0] === '[') m.fail('Illegal creation of array type')
  const made = `u${at}`
  if (state.stack.includes(made)) m.fail('Uninitialized object exists on the stack')
  state.replace(made, TOP)
  m.push(state, made)
}
function multiArray(m: MethodCheck, state: TypeState, at: number): void {
  const type = m.classAt(readU2(m.code, at + 1))
  const dimensions = m.code[at + 3] as number
  const have = type.length - type.replace(/^\[+/, '').length
  if (dimensions < 1 || have < dimensions) m.fail('Illegal dimension in multianewarray instruction')
  for (let i = 0; i < dimensions; i++) m.pop(state, 'I')
  m.push(state, type)
}

/** Starts of all instructions; undefined when the bytes are no sequence of instructions. */
export function instructionStarts(code: Uint8Array): Set<number> | undefined {
  const starts = new Set<number>()
  for (let at = 0; at < code.length; ) {
    const length = instructionLength(code, at)
    if (length === 0) return undefined
    starts.add(at)
    at += length
  }
  return starts
}
