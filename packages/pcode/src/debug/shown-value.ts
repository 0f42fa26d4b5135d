import type { SourceValue, SourceVariable } from '@doppel/base'
import type { Runtime } from '../machine/runtime.ts'
import { NIL } from '../program/program.ts'
import type { FieldSymbol, TypeSymbol } from '../program/type-symbol.ts'
import {
  type ArrayShape,
  arrayShape,
  charsOf,
  type Content,
  contentOf,
  elementOf,
  elementsOf,
  followed,
  longOf,
  type Place,
  stringOf,
} from './datum.ts'
import { ordinalText, quoted, typeText } from './type-text.ts'

/** Parts shown inside of a value, and how deep. */
const MAX_PARTS = 8
const MAX_DEPTH = 3
/** Characters of a string, and elements of a set, shown. */
const MAX_CHARS = 200
const MAX_ELEMENTS = 64

/** Writes a scalar variable's new value, from its language's text. */
export type Assign = (place: Place, text: string) => void

/** A variable's value as it is while it is looked at. */
export class ShownValue implements SourceValue {
  readonly type: string
  readonly parts: number
  readonly assign?: ((text: string) => void) | undefined
  readonly #runtime: Runtime
  readonly #place: Place
  readonly #assign: Assign
  readonly #shape: ArrayShape | undefined
  readonly #fields: readonly FieldSymbol[]

  constructor(runtime: Runtime, place: Place, assign: Assign) {
    this.#runtime = runtime
    this.#assign = assign
    this.#place = followed(runtime, place)
    const { type } = this.#place
    this.#shape = arrayShape(runtime, this.#place)
    this.#fields = type.kind === 'record' ? type.fields.filter(field => isThere(runtime, field, this.#place)) : []
    this.type = typeText(type)
    this.parts = this.#shape
      ? Math.max(0, this.#shape.high - this.#shape.low + 1)
      : type.kind === 'pointer'
        ? Number(this.#target() !== undefined)
        : this.#fields.length
    if (isAssignable(type) && (!this.#shape || isText(type))) this.assign = text => assign(this.#place, text)
  }

  get text(): string {
    return this.#textAt(0)
  }

  part(first: number, count: number): readonly SourceVariable[] {
    const last = Math.min(this.parts, first + count)
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => this.#part(first + i))
  }
  #part(number: number): { readonly name: string; readonly value: ShownValue } {
    const { type, address, frame } = this.#place
    const target = type.kind === 'pointer' ? this.#target() : undefined
    if (target) return { name: '^', value: this.#value(target) }
    if (this.#shape && (type.kind === 'array' || type.kind === 'conformant')) {
      const index = this.#shape.low + number
      const element = elementOf(this.#shape, this.#place, index) as Place
      return { name: `[${ordinalText(type.index, index)}]`, value: this.#value(element) }
    }
    const field = this.#fields[number] as FieldSymbol
    return { name: field.name, value: this.#value({ type: field.type, address: address + field.offset, frame }) }
  }
  #value(place: Place): ShownValue {
    return new ShownValue(this.#runtime, place, this.#assign)
  }

  /** What a pointer leads to, while that is there. */
  #target(): Place | undefined {
    const pointer = contentOf(this.#runtime, this.#place)
    const { type, frame } = this.#place
    if (type.kind !== 'pointer' || typeof pointer !== 'number') return undefined
    return this.#runtime.heap.state(pointer) === 'live' ? { type: type.target(), address: pointer, frame } : undefined
  }

  #textAt(depth: number): string {
    const { type, address } = this.#place
    if (this.#shape) {
      const { low, high } = this.#shape
      if (isText(type))
        return stringText(
          charsOf(this.#runtime, address, Math.max(0, Math.min(high - low + 1, MAX_CHARS))),
          high - low + 1,
        )
      return this.#partsText('[', ']', depth, ({ value }) => value.#textAt(depth + 1))
    }
    if (type.kind === 'record') {
      return this.#partsText('(', ')', depth, ({ name, value }) => `${name}: ${value.#textAt(depth + 1)}`)
    }
    if (type.kind === 'string') {
      const text = stringOf(this.#runtime, address)
      return stringText(text, text.length)
    }
    if (type.kind === 'long') return longOf(this.#runtime, address)
    if (type.kind === 'file') return `${this.type} (${this.#runtime.fileState(address)})`
    return scalarText(this.#runtime, type, contentOf(this.#runtime, this.#place))
  }
  #partsText(
    open: string,
    close: string,
    depth: number,
    show: (part: { name: string; value: ShownValue }) => string,
  ): string {
    if (depth === MAX_DEPTH) return `${open}…${close}`
    const shown = Array.from({ length: Math.min(this.parts, MAX_PARTS) }, (_, i) => show(this.#part(i)))
    return `${open}${shown.join(', ')}${this.parts > MAX_PARTS ? ', …' : ''}${close}`
  }
}

/** The value of an expression that is no variable. */
export class ConstantValue implements SourceValue {
  readonly text: string
  readonly type: string
  readonly parts = 0
  constructor(runtime: Runtime, { type, content }: { readonly type: TypeSymbol; readonly content: Content }) {
    this.text = scalarText(runtime, type, content)
    this.type = typeText(type)
  }
  part(): readonly SourceVariable[] {
    return []
  }
}

/** A field of a variant is there while the tag says so, or where there is none to ask. */
function isThere(runtime: Runtime, { variant }: FieldSymbol, record: Place): boolean {
  if (!variant?.tag) return true
  const { tag, labels } = variant
  const value = contentOf(runtime, { ...record, type: tag.type, address: record.address + tag.offset })
  return typeof value === 'number' && labels.includes(value) && isThere(runtime, tag, record)
}

function isAssignable({ kind }: TypeSymbol): boolean {
  return kind !== 'record' && kind !== 'long' && kind !== 'file' && kind !== 'procedure' && kind !== 'unknown'
}

/** Whether an array is shown as a string. */
export function isText(type: TypeSymbol): boolean {
  return (type.kind === 'array' || type.kind === 'conformant') && type.element.kind === 'char'
}

function stringText(chars: string, length: number): string {
  const cut = chars.length < length ? '…' : ''
  // What no terminal should be sent is shown as Pascal would have to make it.
  return `'${quoted(chars).replace(/[^\x20-\x7e]/g, '·')}'${cut}`
}

/** A scalar's value, as Pascal writes it where it can. */
export function scalarText(runtime: Runtime, type: TypeSymbol, content: Content): string {
  if (content === undefined) return type.kind === 'unknown' || type.kind === 'procedure' ? type.kind : 'undefined'
  if (typeof content === 'string') return stringText(content, content.length)
  if (typeof content !== 'number') return setText(type, content)
  if (type.kind !== 'pointer') return ordinalText(type, content)
  const state = runtime.heap.state(content)
  const target = `^${(content >>> 0).toString(16)}`
  return content === NIL
    ? 'nil'
    : state === 'live'
      ? target
      : state === 'freed'
        ? `${target} (disposed of)`
        : `${target} (bad)`
}

function setText(type: TypeSymbol, set: Uint8Array): string {
  const element = type.kind === 'set' ? type.element : type
  const elements = elementsOf(set)
  const runs: string[] = []
  for (let i = 0; i < elements.length && i < MAX_ELEMENTS; i++) {
    const first = elements[i] as number
    let last = first
    while (elements[i + 1] === last + 1) last = elements[++i] as number
    const text = ordinalText(element, first)
    runs.push(last === first ? text : `${text}${last === first + 1 ? ', ' : '..'}${ordinalText(element, last)}`)
  }
  return `[${runs.join(', ')}${elements.length > MAX_ELEMENTS ? ', …' : ''}]`
}
