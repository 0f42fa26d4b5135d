import { decodeSaved, DoppelError, encodeSaved } from '@doppel/base'
import type { ClassPlaces, Unused } from './places.ts'

/** Raised with every change of what a segment holds. */
const VERSION = 1

/** A class as an archive knows it. */
export interface KeptClass {
  /** Its bytes, loader, superclass and interfaces, so that equal identities mean equal layouts and methods. */
  readonly identity: string
  readonly name: string
  readonly places: ClassPlaces
}
/** A call site whose linking stub is kept. */
export interface KeptSite {
  readonly place: number
  readonly classId: number
  readonly signature: string
  readonly instruction: readonly number[]
  readonly unique: string
  readonly part: number
}
/** The place for a signature-polymorphic method at one signature. */
export interface KeptPolymorphic {
  readonly place: number
  readonly name: string
  readonly signature: string
  readonly part: number
}
/** Code that is kept: where it goes, and what it takes for granted. */
export interface KeptCode {
  readonly place: number
  readonly part: number
  /** Pairs of a class’s number and flags of `USE`. */
  readonly classes: readonly number[]
  readonly sites: readonly number[]
  readonly polymorphic: readonly number[]
  readonly calls: readonly number[]
  readonly loops: readonly number[]
  readonly strings: readonly (readonly [text: string, place: number])[]
  /** Pairs of a byte offset in the module and a bytecode offset. */
  readonly marks: readonly number[]
}

/** What one run adds to an archive. */
export interface SegmentContent {
  readonly unused: Unused
  readonly classes: readonly KeptClass[]
  /** What methods are called by before they are compiled: pairs of a class’s first method and its part; the others follow. */
  readonly stubs: readonly number[]
  readonly sites: readonly KeptSite[]
  readonly polymorphic: readonly KeptPolymorphic[]
  readonly codes: readonly KeptCode[]
  readonly wasm: Uint8Array
}

const UNUSED = ['classes', 'code', 'references', 'bytes', 'loops'] as const
/** Words of an entry in the index of codes: its place, and where in the words it begins. */
const INDEX_WORDS = 2

/** A segment’s bytes. */
export function encodeSegment(content: SegmentContent): Uint8Array {
  const texts: string[] = []
  const known = new Map<string, number>()
  const text = (of: string): number => {
    let index = known.get(of)
    if (index === undefined) known.set(of, (index = texts.push(of) - 1))
    return index
  }
  const words: number[] = []
  const list = (numbers: readonly number[]): void => void words.push(numbers.length, ...numbers)
  words.push(...UNUSED.map(name => content.unused[name]))
  words.push(content.classes.length)
  for (const { identity, name, places: p } of content.classes) {
    words.push(text(identity), text(name), p.id, p.methods, p.references, p.statics)
  }
  list(content.stubs)
  words.push(content.sites.length)
  for (const s of content.sites) {
    words.push(s.place, s.classId, text(s.signature), text(s.unique), s.part)
    list(s.instruction)
  }
  words.push(content.polymorphic.length)
  for (const p of content.polymorphic) words.push(p.place, text(p.name), text(p.signature), p.part)
  const index: number[] = []
  for (const c of content.codes) {
    index.push(c.place, words.length)
    words.push(c.part)
    for (const numbers of [c.classes, c.sites, c.polymorphic, c.calls, c.loops]) list(numbers)
    list(c.strings.flatMap(([of, place]) => [text(of), place]))
    list(c.marks)
  }
  const bytes = (numbers: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(numbers).buffer)
  return encodeSaved({
    version: VERSION,
    texts,
    words: bytes(words),
    index: bytes(index),
    wasm: content.wasm,
  })
}

/** A segment that has been read; codes are decoded when they are asked for. */
export class Segment {
  readonly unused: Unused
  readonly classes: readonly KeptClass[]
  readonly stubs: readonly number[]
  readonly sites: readonly KeptSite[]
  readonly polymorphic: readonly KeptPolymorphic[]
  readonly wasm: Uint8Array<ArrayBuffer>
  readonly #texts: readonly string[]
  readonly #words: Int32Array
  readonly #index: Int32Array
  #at = 0

  /** Throws `jvm.archive` for what no `encodeSegment` of this version wrote. */
  constructor(bytes: Uint8Array) {
    const saved = decodeSaved(bytes) as Readonly<Record<string, unknown>>
    const { texts, words, index, wasm } = saved ?? {}
    if (saved?.version !== VERSION || !Array.isArray(texts) || !(wasm instanceof Uint8Array)) {
      throw new DoppelError('jvm.archive', `this is no archive of version ${VERSION}`, {})
    }
    this.#texts = texts as string[]
    this.#words = wordsOf(words)
    this.#index = wordsOf(index)
    this.wasm = wasm as Uint8Array<ArrayBuffer>
    this.unused = Object.fromEntries(UNUSED.map(name => [name, this.#word()])) as unknown as Unused
    this.classes = this.#array(() => {
      const [identity, name] = [this.#text(), this.#text()]
      const [id, methods, references, statics] = [this.#word(), this.#word(), this.#word(), this.#word()]
      return { identity, name, places: { id, methods, references, statics } }
    })
    this.stubs = this.#list()
    this.sites = this.#array(() => {
      const [place, classId, signature, unique, part] = [
        this.#word(),
        this.#word(),
        this.#text(),
        this.#text(),
        this.#word(),
      ]
      return { place, classId, signature, unique, part, instruction: this.#list() }
    })
    this.polymorphic = this.#array(() => ({
      place: this.#word(),
      name: this.#text(),
      signature: this.#text(),
      part: this.#word(),
    }))
  }

  /** Calls back with each code’s place and what `code` wants to know. */
  eachCode(callback: (place: number, at: number) => void): void {
    for (let i = 0; i < this.#index.length; i += INDEX_WORDS) {
      callback(this.#index[i] as number, this.#index[i + 1] as number)
    }
  }
  code(place: number, at: number): KeptCode {
    this.#at = at
    const part = this.#word()
    const [classes, sites, polymorphic] = [this.#list(), this.#list(), this.#list()]
    const [calls, loops, texts, marks] = [this.#list(), this.#list(), this.#list(), this.#list()]
    const strings = Array.from({ length: texts.length / 2 }, (_, i): readonly [string, number] => [
      this.#texts[texts[i * 2] as number] as string,
      texts[i * 2 + 1] as number,
    ])
    return { place, part, classes, sites, polymorphic, calls, loops, strings, marks }
  }

  #word(): number {
    const word = this.#words[this.#at++]
    if (word === undefined) throw new DoppelError('jvm.archive', 'the archive ends early', {})
    return word
  }
  #text(): string {
    return this.#texts[this.#word()] ?? ''
  }
  #list(): number[] {
    return this.#array(() => this.#word())
  }
  #array<R>(read: () => R): R[] {
    const count = this.#word()
    if (count < 0 || count > this.#words.length) throw new DoppelError('jvm.archive', `${count} is no count`, {})
    return Array.from({ length: count }, read)
  }
}

function wordsOf(bytes: unknown): Int32Array {
  if (bytes instanceof Uint8Array && bytes.length % 4 === 0) return new Int32Array(new Uint8Array(bytes).buffer)
  throw new DoppelError('jvm.archive', 'the archive’s words are not there', {})
}
