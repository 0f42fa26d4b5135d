import { readI4 } from '../class-file/bytes.ts'
import type { Code } from '../class-file/code.ts'
import { Tag } from '../class-file/constant-pool.ts'
import { parseMethodDescriptor } from '../class-file/descriptor.ts'
import type { ClassFile } from '../class-file/parse.ts'
import type { JavaClass, Method } from '../runtime/classes.ts'
import { TypeState } from './state.ts'
import {
  assignable,
  classType,
  isReference,
  isUninitialized,
  isWide,
  OBJECT,
  TOP,
  typeOfDescriptor,
  UNINITIALIZED_THIS,
  type VType,
} from './types.ts'
import { verifyError } from './verify-error.ts'

/** A question that only loaded classes answer: whether the first is the second, a subclass of it, or it an interface. */
export type Question = readonly [from: string, to: string, at: number]

/** What checking one method needs: its code, and the operations that every instruction is checked with. */
export class MethodCheck {
  readonly cls: JavaClass
  readonly file: ClassFile
  readonly method: Method
  readonly source: Code
  readonly code: Uint8Array
  /** The type returned, or `V`. */
  readonly result: VType
  readonly where: string
  /** The offset of the instruction being checked. */
  at = 0
  readonly #questions = new Map<string, Question>()

  constructor(cls: JavaClass, file: ClassFile, method: Method, source: Code) {
    this.cls = cls
    this.file = file
    this.method = method
    this.source = source
    this.code = source.bytes
    this.result = method.descriptor.result === 'V' ? 'V' : typeOfDescriptor(method.descriptor.result)
    this.where = `${file.name}.${method.name}${method.info.descriptor}`
  }
  get questions(): readonly Question[] {
    return [...this.#questions.values()]
  }
  /** The type of `this` class. */
  get own(): VType {
    return classType(this.file.name)
  }
  fail(what: string): never {
    throw verifyError(what, this.where, this.at)
  }

  /** What holds when the method is entered (JVMS §4.10.1.6). */
  initialState(): TypeState {
    const locals: VType[] = []
    const constructor = this.method.name === '<init>' && this.file.name !== 'java/lang/Object'
    if (!this.method.isStatic) locals.push(constructor ? UNINITIALIZED_THIS : this.own)
    for (const param of this.method.descriptor.params) {
      const type = typeOfDescriptor(param)
      locals.push(type)
      if (isWide(type)) locals.push(type.toLowerCase())
    }
    if (locals.length > this.source.maxLocals) throw verifyError('Arguments can’t fit into locals', this.where)
    return new TypeState(locals, [], constructor)
  }

  // Types

  /** Requires that a value may stand where another type is expected; may leave a question for later. */
  require(from: VType, to: VType, what: string): void {
    const answer = assignable(from, to)
    if (answer === true) return
    if (answer === false) this.fail(what)
    this.ask(...answer)
  }
  ask(from: VType, to: VType): void {
    const key = `${from} ${to}`
    if (!this.#questions.has(key)) this.#questions.set(key, [from, to, this.at])
  }
  classAt(index: number): VType {
    const { pool } = this.file
    if (pool.tag(index) !== Tag.class) this.fail(`Illegal type at constant pool entry ${index} in class`)
    return classType(pool.className(index))
  }
  arrayOf(type: VType): VType {
    const array = `[${type}`
    if (array.lastIndexOf('[', 256) > 254)
      this.fail('Illegal anewarray instruction, array has more than 255 dimensions')
    return array
  }

  // The operand stack

  push(state: TypeState, type: VType): void {
    state.stack.push(type)
    if (state.depth > this.source.maxStack) this.fail('Operand stack overflow')
  }
  popValue(state: TypeState): VType {
    return state.stack.pop() ?? this.fail('Operand stack underflow')
  }
  /** Takes a value that may stand for `expected`; `L` is any initialized reference. */
  pop(state: TypeState, expected: VType): VType {
    const type = this.popValue(state)
    this.require(type, expected === 'L' ? OBJECT : expected, 'Bad type on operand stack')
    return type
  }
  popReference(state: TypeState): VType {
    const type = this.popValue(state)
    if (!isReference(type)) this.fail('Bad type on operand stack')
    return type
  }
  /** As `popReference`, uninitialized objects included. */
  popAnyReference(state: TypeState): VType {
    const type = this.popValue(state)
    if (!isReference(type) && !isUninitialized(type)) this.fail('Bad type on operand stack')
    return type
  }

  // Variables

  checkIndex(index: number, words: number): void {
    if (index + words > this.source.maxLocals) this.fail('Local variable table overflow')
  }
  expectLocal(state: TypeState, index: number, type: VType): void {
    this.checkIndex(index, isWide(type) ? 2 : 1)
    if ((state.locals[index] ?? TOP) !== type) this.fail('Bad local variable type')
    if (isWide(type) && state.locals[index + 1] !== type.toLowerCase()) this.fail('Bad local variable type')
  }
  /** Where the subroutine began whose return address a variable holds. */
  returnAddress(state: TypeState, index: number): number {
    this.checkIndex(index, 1)
    const type = state.locals[index] ?? TOP
    if (type[0] !== 'r') this.fail('Bad local variable type')
    return Number(type.slice(1))
  }
  wideOffset(at: number): number {
    return readI4(this.code, at + 1)
  }
  /** The verification types of a method descriptor’s parameters, and of its result. */
  descriptorTypes(descriptor: string): { readonly params: readonly VType[]; readonly result: VType } {
    const parsed = parseMethodDescriptor(descriptor) ?? this.fail(`Illegal descriptor ${descriptor}`)
    return {
      params: parsed.params.map(typeOfDescriptor),
      result: parsed.result === 'V' ? 'V' : typeOfDescriptor(parsed.result),
    }
  }
}
