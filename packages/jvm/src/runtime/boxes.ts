import type { Field, Method, Ref, Value } from './classes.ts'
import { invoke, type Work } from './tasks.ts'
import type { Vm } from './vm.ts'

const BOXES: Readonly<Record<string, string>> = {
  Z: 'Boolean',
  B: 'Byte',
  C: 'Character',
  S: 'Short',
  I: 'Integer',
  J: 'Long',
  F: 'Float',
  D: 'Double',
}

/** A primitive value as an object of its wrapper class (valueOf). */
export function* box(vm: Vm, letter: string, value: Value): Work<Ref> {
  const name = `java/lang/${BOXES[letter]}`
  const cls = vm.classes.boot(name)
  yield* vm.linker.initialize(cls)
  return (yield* invoke(cls.declared('valueOf', `(${letter})L${name};`) as Method, value)) as Ref
}

/** The letter of the primitive type that an object wraps; undefined when it wraps none. */
export function boxedLetter(vm: Vm, object: Ref): string | undefined {
  if (object === null) return undefined
  const { name } = vm.heap.classOf(object)
  return Object.keys(BOXES).find(letter => name === `java/lang/${BOXES[letter]}`)
}

const WIDENS: Readonly<Record<string, string>> = { B: 'SIJFD', S: 'IJFD', C: 'IJFD', I: 'JFD', J: 'FD', F: 'D' }

/** The value of a wrapper, widened to a primitive type (JLS §5.1.2); undefined when it cannot be. */
export function unbox(vm: Vm, object: Ref, letter: string): Value {
  const from = boxedLetter(vm, object)
  if (from === undefined || (from !== letter && !WIDENS[from]?.includes(letter))) return null
  const field = vm.heap.classOf(object).declaredField('value') as Field
  const value = vm.heap.getField(object, field) as number | bigint
  if (letter === 'J') return BigInt(value)
  return Number(value)
}
