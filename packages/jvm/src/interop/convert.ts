import { box, boxedLetter, unbox } from '../runtime/boxes.ts'
import type { JavaClass, Ref, Value } from '../runtime/classes.ts'
import type { Work } from '../runtime/tasks.ts'
import type { Vm } from '../runtime/vm.ts'
import { JavaObject, type Owner } from './objects.ts'
import type { JavaFunction, JavaValue } from './values.ts'

/** Inclusive ranges of the types narrower than int. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  B: [-128, 127],
  S: [-32_768, 32_767],
  I: [-(2 ** 31), 2 ** 31 - 1],
}
/** The wrapper that a value becomes where an object is wanted. */
const wrapperLetter = (value: JavaValue): string | undefined => {
  if (typeof value === 'number') return inRange('I', value) ? 'I' : 'D'
  if (typeof value === 'bigint') return 'J'
  return typeof value === 'boolean' ? 'Z' : undefined
}
const inRange = (letter: string, value: number): boolean => {
  const [low, high] = RANGES[letter] as readonly [number, number]
  return Number.isInteger(value) && value >= low && value <= high && !Object.is(value, -0)
}
/** Costs by primitive type, cheapest first, of a number with and without a fraction. */
const WHOLE = 'IJDFSB'
const FRACTION = 'DF'

/**
 * How badly a value fits a parameter’s type: 0 is best, undefined not at all. `cls` is the class of a reference type.
 */
export function cost(vm: Vm, value: JavaValue, descriptor: string, cls: JavaClass | undefined): number | undefined {
  if (!cls) return primitiveCost(value, descriptor)
  if (value === null || value === undefined) return 1
  if (typeof value === 'function') return cls.isInterface ? 1 : undefined
  if (value instanceof JavaObject) {
    const own = vm.heap.classOf(value.ref)
    if (!own.isSubtypeOf(cls)) return undefined
    return cls.isInterface ? 1 : Math.max(0, own.depth - cls.depth) * 2
  }
  if (value instanceof Uint8Array) return cls.name === '[B' ? 0 : cls.name === 'java/lang/Object' ? 9 : undefined
  if (Array.isArray(value)) {
    const { element } = cls
    if (!element) return undefined
    const of = element.primitive ?? 'L'
    const costs = value.map(item => cost(vm, item, of, element.primitive ? undefined : element))
    return costs.includes(undefined) ? undefined : 1 + Math.max(0, ...(costs as number[]))
  }
  const wrapped = typeof value === 'string' ? 'java/lang/String' : undefined
  const letter = wrapperLetter(value)
  const from = wrapped ?? WRAPPERS[letter ?? '']
  const own = from === undefined ? undefined : vm.classes.boot(from)
  if (!own?.isSubtypeOf(cls)) return undefined
  return own === cls ? (wrapped ? 0 : 6) : 7 + (cls.name === 'java/lang/Object' ? 1 : 0)
}
const WRAPPERS: Readonly<Record<string, string>> = {
  I: 'java/lang/Integer',
  D: 'java/lang/Double',
  J: 'java/lang/Long',
  Z: 'java/lang/Boolean',
}

function primitiveCost(value: JavaValue, letter: string): number | undefined {
  switch (typeof value) {
    case 'boolean':
      return letter === 'Z' ? 0 : undefined
    case 'bigint':
      return letter === 'J' && BigInt.asIntN(64, value) === value ? 0 : undefined
    case 'string':
      return letter === 'C' && value.length === 1 ? 3 : undefined
    case 'number': {
      const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0)
      const order = isWhole ? WHOLE : FRACTION
      const at = order.indexOf(letter)
      return at < 0 || (letter in RANGES && !inRange(letter, value)) ? undefined : at
    }
    default:
      return undefined
  }
}

/** The Java value for a parameter that the value fits. `proxy` makes an object of a function. */
export function* toJava(
  vm: Vm,
  value: JavaValue,
  descriptor: string,
  cls: JavaClass | undefined,
  proxy: (cls: JavaClass, fn: JavaFunction) => Work<Ref>,
): Work<Value> {
  if (!cls) {
    if (typeof value === 'boolean') return value ? 1 : 0
    if (typeof value === 'string') return value.charCodeAt(0)
    if (descriptor === 'J') return BigInt(value as number | bigint)
    return descriptor === 'F' ? Math.fround(value as number) : (value as number)
  }
  if (value === null || value === undefined) return null
  if (typeof value === 'function') return yield* proxy(cls, value)
  if (typeof value === 'string') return vm.heap.string(value)
  if (value instanceof JavaObject) return value.ref
  if (value instanceof Uint8Array) return vm.heap.byteArray(value)
  if (Array.isArray(value)) {
    const element = cls.element as JavaClass
    vm.linker.link(cls)
    const array = vm.rt.newArray(cls.id, value.length)
    for (const [i, item] of (value as readonly JavaValue[]).entries()) {
      const letter = element.primitive
      const made = yield* toJava(vm, item, letter ?? 'L', letter ? undefined : element, proxy)
      storeElement(vm, array, i, letter ?? 'L', made)
    }
    return array
  }
  const letter = wrapperLetter(value) as string
  return yield* box(vm, letter, letter === 'Z' ? (value ? 1 : 0) : (value as number | bigint))
}

/** Stores an element of an array whose elements are of this type. */
export function storeElement(vm: Vm, array: Ref, index: number, letter: string, value: Value): void {
  const { rt } = vm
  if (letter === 'L') rt.setL(array, index, value as Ref)
  else if (letter === 'J') rt.setJ(array, index, value as bigint)
  else if (letter === 'D') rt.setD(array, index, value as number)
  else if (letter === 'F') rt.setF(array, index, value as number)
  else if (letter === 'I') rt.setI(array, index, value as number)
  else if (letter === 'S' || letter === 'C') rt.setS(array, index, value as number)
  else rt.setB(array, index, value as number)
}
/** An element of an array whose elements are of this type, as TypeScript sees it. */
export function loadElement(owner: Owner, array: Ref, index: number, letter: string): JavaValue {
  const { rt } = owner.vm
  if (letter === 'L') return fromJava(owner, rt.getL(array, index), 'L')
  if (letter === 'J') return rt.getJ(array, index)
  if (letter === 'D') return rt.getD(array, index)
  if (letter === 'F') return rt.getF(array, index)
  if (letter === 'I') return rt.getI(array, index)
  if (letter === 'S') return rt.getS(array, index)
  if (letter === 'C') return String.fromCharCode(rt.getS(array, index) & 0xffff)
  return letter === 'Z' ? rt.getB(array, index) !== 0 : rt.getB(array, index)
}

/** A Java value of a type as TypeScript sees it. */
export function fromJava(owner: Owner, value: Value, descriptor: string): JavaValue {
  const { vm } = owner
  switch (descriptor[0]) {
    case 'V':
      return undefined
    case 'Z':
      return value !== 0
    case 'C':
      return String.fromCharCode(value as number)
    case 'L':
    case '[':
      break
    default:
      return value as number | bigint
  }
  const object = value as Ref
  if (object === null) return null
  const { name } = vm.heap.classOf(object)
  if (name === 'java/lang/String') return vm.heap.text(object)
  if (name === '[B') return vm.heap.bytes(object)
  const letter = boxedLetter(vm, object)
  return letter === undefined ? new JavaObject(owner, object) : fromJava(owner, unbox(vm, object, letter), letter)
}
