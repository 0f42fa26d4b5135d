import { JavaProblem } from '../problem.ts'
import type { Field, Ref, Value } from '../runtime/classes.ts'
import type { Vm } from '../runtime/vm.ts'

/** Where array elements start, in the offsets that Unsafe gives out. */
export const ARRAY_BASE = 16
/** Offsets of static fields lie above every other. */
export const STATIC_BASE: bigint = 1n << 40n

/** A value that Unsafe can reach. */
export interface Place {
  get(): Value
  set(value: Value): void
}

const SIZES: Readonly<Record<string, number>> = { Z: 1, B: 1, C: 2, S: 2, I: 4, F: 4, J: 8, D: 8, L: 4 }

/** The value of type `letter` at an object and offset, or at an address when the object is null. */
export function at(vm: Vm, object: Ref, offset: bigint, letter: string): Place {
  if (object === null) return inMemory(vm, Number(offset), letter)
  if (offset >= STATIC_BASE) return staticPlace(vm, Number(offset - STATIC_BASE), letter)
  const cls = vm.heap.classOf(object)
  if (cls.element) return inArray(vm, object, Number(offset) - ARRAY_BASE, letter, cls.element.primitive ?? 'L')
  const field = (vm.state.get('unsafeFields') as (Field | undefined)[] | undefined)?.[Number(offset) >> 3]
  if (!field) throw new JavaProblem('java/lang/InternalError', `Unsafe offset ${offset}`)
  return {
    get: () => narrow(letter, vm.heap.getField(object, field)),
    set: value => vm.heap.setField(object, field, narrow(letter, value)),
  }
}

function narrow(letter: string, value: Value): Value {
  switch (letter) {
    case 'Z':
      return (value as number) & 1
    case 'B':
      return ((value as number) << 24) >> 24
    case 'S':
      return ((value as number) << 16) >> 16
    case 'C':
      return (value as number) & 0xffff
    default:
      return value
  }
}

function staticPlace(vm: Vm, place: number, letter: string): Place {
  if (letter === 'L') return { get: () => vm.rt.refs.get(place) as Ref, set: value => vm.rt.refs.set(place, value) }
  const kind = 'JFD'.includes(letter) ? letter : 'I'
  const field = { kind, place } as Field
  return {
    get: () => narrow(letter, vm.heap.getStatic(field)),
    set: value => vm.heap.setStatic(field, narrow(letter, value)),
  }
}

function viewPlace(view: DataView, address: number, letter: string): Place {
  switch (letter) {
    case 'Z':
    case 'B':
      return { get: () => view.getInt8(address), set: v => view.setInt8(address, v as number) }
    case 'C':
      return { get: () => view.getUint16(address, true), set: v => view.setUint16(address, v as number, true) }
    case 'S':
      return { get: () => view.getInt16(address, true), set: v => view.setInt16(address, v as number, true) }
    case 'I':
      return { get: () => view.getInt32(address, true), set: v => view.setInt32(address, v as number, true) }
    case 'J':
      return { get: () => view.getBigInt64(address, true), set: v => view.setBigInt64(address, v as bigint, true) }
    case 'F':
      return { get: () => view.getFloat32(address, true), set: v => view.setFloat32(address, v as number, true) }
    default:
      return { get: () => view.getFloat64(address, true), set: v => view.setFloat64(address, v as number, true) }
  }
}
function inMemory(vm: Vm, address: number, letter: string): Place {
  const size = SIZES[letter] as number
  if (address < 4096 || address + size > vm.memory.buffer.byteLength) {
    throw new JavaProblem(
      'java/lang/InternalError',
      `a fault occurred in an unsafe memory access operation at ${address}`,
    )
  }
  return viewPlace(vm.view, address, letter)
}

/** An element, or bytes of several elements, as views of byte[] have it. */
function inArray(vm: Vm, array: Ref, offset: number, letter: string, element: string): Place {
  const scale = SIZES[element] as number
  const { rt } = vm
  const index = offset / scale
  if (offset < 0 || offset + (SIZES[letter] as number) > rt.arrayLength(array) * scale) {
    throw new JavaProblem('java/lang/InternalError', `Unsafe access outside an array, offset ${offset}`)
  }
  if (Number.isInteger(index) && (element === letter || (scale === 1 && SIZES[letter] === 1))) {
    return {
      get: () => narrow(letter, getElement(vm, array, index, element)),
      set: v => setElement(vm, array, index, element, v),
    }
  }
  const size = SIZES[letter] as number
  const first = Math.floor(offset / scale)
  const count = Math.floor((offset + size - 1) / scale) - first + 1
  const bytes = new DataView(new ArrayBuffer(count * scale))
  const elementAt = (i: number): Place => viewPlace(bytes, i * scale, element)
  const load = (): void => {
    for (let i = 0; i < count; i++) elementAt(i).set(getElement(vm, array, first + i, element))
  }
  const place = viewPlace(bytes, offset - first * scale, letter)
  return {
    get: () => {
      load()
      return place.get()
    },
    set: value => {
      load()
      place.set(value)
      for (let i = 0; i < count; i++) setElement(vm, array, first + i, element, elementAt(i).get())
    },
  }
}

/** An array’s element as a Java value. */
export function getElement(vm: Vm, array: Ref, index: number, element: string): Value {
  const { rt } = vm
  switch (element) {
    case 'Z':
    case 'B':
      return rt.getB(array, index)
    case 'C':
      return rt.getS(array, index) & 0xffff
    case 'S':
      return rt.getS(array, index)
    case 'I':
      return rt.getI(array, index)
    case 'J':
      return rt.getJ(array, index)
    case 'F':
      return rt.getF(array, index)
    case 'D':
      return rt.getD(array, index)
    default:
      return rt.getL(array, index)
  }
}
/** Stores an array’s element. */
export function setElement(vm: Vm, array: Ref, index: number, element: string, value: Value): void {
  const { rt } = vm
  switch (element) {
    case 'Z':
    case 'B':
      return rt.setB(array, index, value as number)
    case 'C':
    case 'S':
      return rt.setS(array, index, value as number)
    case 'I':
      return rt.setI(array, index, value as number)
    case 'J':
      return rt.setJ(array, index, value as bigint)
    case 'F':
      return rt.setF(array, index, value as number)
    case 'D':
      return rt.setD(array, index, value as number)
    default:
      return rt.setL(array, index, value as Ref)
  }
}
