import { FUNCREF, Gc, I32, type ModuleBuilder } from '@doppel/wasm'
import { METHOD_IMPORTS, methodModule } from '../runtime/support-module.ts'
import type { Translated } from '../translate/method.ts'
import { type ModuleTypes, sharedArena } from '../translate/types.ts'
import type { Unused } from './places.ts'
import type { Recording } from './recording.ts'
import { encodeSegment, type KeptClass, type KeptCode, type KeptPolymorphic, type KeptSite } from './segment.ts'

/** More code than this is not kept from one run. */
const MAX_BYTES = 24 << 20
/** Tables 0 to 2 are imported by every module; this one is the segment’s own. */
const PARTS = 3

/** Code made for one place, to be kept. */
export interface NewCode {
  readonly place: number
  readonly recording: Recording
  readonly translated: Translated
}
interface Pending {
  readonly place: number
  readonly part: number
  readonly recording: Recording
  /** Marks of the functions that stack traces know, with the function’s index. */
  readonly marks: readonly (readonly [index: number, marks: readonly number[]])[]
}

/** Gathers what one run compiles into one module. */
export class ArchiveWriter {
  readonly #all = methodModule(true)
  readonly #first: number
  readonly #classes: KeptClass[] = []
  readonly #stubs: number[] = []
  readonly #sites: KeptSite[] = []
  readonly #stubPlaces = new Set<number>()
  readonly #polymorphic: KeptPolymorphic[] = []
  readonly #codes: Pending[] = []
  #functions = 0
  #bytes = 0

  constructor() {
    this.#first = METHOD_IMPORTS.length
  }

  /** Methods and call sites gathered so far. */
  get count(): number {
    return this.#codes.length
  }
  get full(): boolean {
    return this.#bytes > MAX_BYTES
  }
  addClass(kept: KeptClass): void {
    this.#classes.push(kept)
  }
  /** Takes a module’s functions over; the number of the first. */
  adopt(module: ModuleBuilder, types: ModuleTypes): number {
    const index = this.#all.module.adopt(module, type => types.indexIn(this.#all.types, type))
    const part = index - this.#first
    this.#functions = this.#all.module.functionCount
    this.#bytes += module.codeBytes
    return part
  }
  /** `first` is a class’s first method; the functions that call its methods begin at `part`. */
  addStubs(first: number, part: number): void {
    this.#stubs.push(first, part)
  }
  /** True when what stands at a site’s place until it is linked has been gathered. */
  hasStub(place: number): boolean {
    return this.#stubPlaces.has(place)
  }
  addSite(site: KeptSite): void {
    this.#stubPlaces.add(site.place)
    this.#sites.push(site)
  }
  addPolymorphic(kept: KeptPolymorphic): void {
    this.#stubPlaces.add(kept.place)
    this.#polymorphic.push(kept)
  }
  addCode({ place, recording, translated }: NewCode, firstPart: number): void {
    const index = (ref: { readonly index: number }): number => ref.index - this.#first + firstPart
    const marks = translated.functions.map(({ fn }) => [index(fn), fn.marks] as const)
    this.#codes.push({ place, part: index(translated.outer), recording, marks })
  }

  /** The segment of everything gathered. */
  finish(unused: Unused): Uint8Array {
    const { module } = this.#all
    const total = this.#functions
    module.table(FUNCREF, { min: Math.max(total, 1) })
    module.elements(
      PARTS,
      0,
      Array.from({ length: total }, (_, i) => module.functionAt(i)),
    )
    const install = module.declare('', { kind: 'func', params: [I32, I32, I32], results: [] })
    const fn = module.build(install, sharedArena)
    new Gc(fn).tableCopy(0, PARTS, fn.get(0), fn.get(1), fn.get(2))
    fn.return()
    module.finish(fn)
    module.export('install', 'func', install.index)
    const wasm = module.encode()
    const codes = this.#codes.map(({ place, part, recording: r, marks }): KeptCode => {
      const absolute = marks.flatMap(([part, of]) => {
        const start = module.startOf({ index: part + this.#first })
        return of.map((value, i) => (i % 2 === 0 ? value + start : value))
      })
      const classes = [...r.classes].flatMap(([cls, flags]) => [cls.id, flags])
      const { sites, polymorphic, calls, loops, strings } = r
      return { place, part, classes, sites, polymorphic, calls, loops, strings, marks: absolute }
    })
    return encodeSegment({
      unused,
      classes: this.#classes,
      stubs: this.#stubs,
      sites: this.#sites,
      polymorphic: this.#polymorphic,
      codes,
      wasm,
    })
  }
}
