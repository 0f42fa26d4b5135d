import { has } from '../machine/bit-sets.ts'
import { loadLong } from '../machine/long-integers.ts'
import { Problem } from '../machine/problem.ts'
import type { Runtime } from '../machine/runtime.ts'
import { UNDEFINED_WORD } from '../program/program.ts'
import type { TypeSymbol } from '../program/type-symbol.ts'

/** A variable of the program: where it is, and what is there. `frame` is where the bounds of its conformant arrays are. */
export interface Place {
  readonly type: TypeSymbol
  readonly address: number
  readonly frame: number
}

/** What a scalar or a string holds; `undefined` where it has no value yet. */
export type Content = number | string | Uint8Array | undefined

/** The first and last index of an array, and the bytes from one element to the next. */
export interface ArrayShape {
  readonly low: number
  readonly high: number
  readonly elementBytes: number
}

const SET_BYTES = 32
const UNDEFINED_REAL_HIGH = 0x8000_0000

/** What a reference leads to, and so on; other places are themselves. */
export function followed(runtime: Runtime, place: Place): Place {
  const { type, address, frame } = place
  if (type.kind !== 'reference') return place
  return { type: type.target(), address: runtime.memory.word(address), frame }
}

/** How an array lies in memory; undefined for what is none. */
export function arrayShape(runtime: Runtime, { type, frame }: Place): ArrayShape | undefined {
  if (type.kind === 'array') return type
  if (type.kind !== 'conformant') return undefined
  const { memory } = runtime
  const bounds = { low: memory.word(frame + type.lowOffset), high: memory.word(frame + type.highOffset) }
  const inner = type.elementBytes ?? bytesOf(arrayShape(runtime, { type: type.element, address: 0, frame }))
  return { ...bounds, elementBytes: inner }
}
function bytesOf(shape: ArrayShape | undefined): number {
  return shape === undefined ? 0 : (shape.high - shape.low + 1) * shape.elementBytes
}

/** One element of an array. */
export function elementOf(shape: ArrayShape, { type, address, frame }: Place, index: number): Place | undefined {
  if (type.kind !== 'array' && type.kind !== 'conformant') return undefined
  return { type: type.element, address: address + (index - shape.low) * shape.elementBytes, frame }
}

/** What a scalar variable holds; undefined too for what is no scalar. Throws a RangeError outside of the memory. */
export function contentOf({ memory }: Runtime, { type, address }: Place): Content {
  const at = address >>> 0
  switch (type.kind) {
    case 'integer':
    case 'char':
    case 'boolean':
    case 'enumeration': {
      if (type.bytes === 1) return memory.byte(at)
      if (type.bytes === 2) return memory.view.getInt16(at, true)
      return definedWord(memory.word(at))
    }
    case 'pointer':
      return definedWord(memory.word(at))
    case 'real': {
      const isUndefined =
        memory.view.getUint32(at, true) === UNDEFINED_REAL_HIGH &&
        memory.view.getUint32(at + 4, true) === UNDEFINED_REAL_HIGH
      return isUndefined ? undefined : memory.real(at)
    }
    case 'set': {
      const set = new Uint8Array(SET_BYTES)
      set.set(memory.slice(at, type.bytes))
      return set
    }
    default:
      return undefined
  }
}
function definedWord(word: number): number | undefined {
  return word === UNDEFINED_WORD ? undefined : word
}

/** The characters of a string of varying length: a byte that tells it, then they. */
export function stringOf(runtime: Runtime, address: number): string {
  return charsOf(runtime, address + 1, runtime.memory.byte(address >>> 0))
}

/** A long integer as Pascal writes it; `undefined` where it has no value yet. */
export function longOf({ memory }: Runtime, address: number): string {
  try {
    return String(loadLong(memory, address))
  } catch (error) {
    if (error instanceof Problem) return 'undefined'
    throw error
  }
}

/** The characters of an array of char. */
export function charsOf({ memory }: Runtime, address: number, length: number): string {
  return String.fromCharCode(...memory.slice(address >>> 0, length))
}

/** The elements of a set, in order. */
export function elementsOf(set: Uint8Array): readonly number[] {
  return Array.from({ length: set.length * 8 }, (_, element) => element).filter(element => has(set, element))
}
