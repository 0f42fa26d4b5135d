import { DoppelError } from '@doppel/base'
import type { ModuleBuilder } from '@doppel/wasm'
import type { JavaClass, Method } from '../runtime/classes.ts'
import { METHOD_IMPORTS } from '../runtime/support-module.ts'
import type { ModuleTypes } from '../translate/types.ts'
import type { Translated } from '../translate/method.ts'
import type { Vm } from '../runtime/vm.ts'
import { type ClassPlaces, type ClassSizes, Places } from './places.ts'
import { type Recording, USE } from './recording.ts'
import { type KeptClass, type KeptPolymorphic, type KeptSite, Segment } from './segment.ts'
import { ArchiveWriter } from './writer.ts'

/** Where compiled code is kept from run to run. */
export interface CodeStore {
  /** Tells contents apart, as SHA-256 does. */
  digest(bytes: Uint8Array): string
  /** What has been added, in order: each as it was, or the list ends before it. */
  load(): readonly Uint8Array[]
  /** Adds to what `load` gave; does nothing when another machine has added to it meanwhile. */
  add(bytes: Uint8Array): void
}

/** So much new code is worth keeping; a program that was archived compiles a little more on another day. */
const WORTH_KEEPING = 24

/** A segment in use: its module is instantiated when something of it is wanted. */
interface Loaded {
  readonly segment: Segment
  install: ((place: number, part: number, count: number) => void) | undefined
}
interface At {
  readonly loaded: Loaded
  readonly at: number
}

/**
 * Code of earlier runs. Numbers that code holds are the same in every run: a class known by its identity gets those that it
 * had, and new ones are never used twice. So code fits wherever the names it depends on lead to the same classes again.
 */
export class Archive {
  readonly places: Places
  readonly #vm: Vm
  readonly #store: CodeStore | undefined
  readonly #writer: ArchiveWriter | undefined
  readonly #byIdentity = new Map<string, { readonly kept: KeptClass; readonly loaded: Loaded }>()
  readonly #names = new Map<number, string>()
  readonly #taken = new Set<string>()
  readonly #stubs = new Map<number, { readonly part: number; readonly loaded: Loaded }>()
  readonly #codes = new Map<number, At>()
  readonly #sites = new Map<number, { readonly kept: KeptSite; readonly loaded: Loaded }>()
  readonly #polymorphic = new Map<number, { readonly kept: KeptPolymorphic; readonly loaded: Loaded }>()
  /** Code found, for statistics. */
  found = 0

  /** Addresses are given out from `base` on. */
  constructor(vm: Vm, store: CodeStore | undefined, base: number) {
    this.#vm = vm
    const segments = store ? readSegments(store) : []
    this.#store = segments && store
    this.#writer = this.#store && new ArchiveWriter()
    for (const segment of segments ?? []) this.#read({ segment, install: undefined })
    this.places = new Places(base, segments?.at(-1)?.unused)
  }
  #read(loaded: Loaded): void {
    const { segment } = loaded
    for (const kept of segment.classes) {
      this.#byIdentity.set(kept.identity, { kept, loaded })
      this.#names.set(kept.places.id, kept.name)
    }
    const { stubs } = segment
    for (let i = 0; i < stubs.length; i += 2) {
      this.#stubs.set(stubs[i] as number, { part: stubs[i + 1] as number, loaded })
    }
    for (const kept of segment.sites) this.#sites.set(kept.place, { kept, loaded })
    for (const kept of segment.polymorphic) this.#polymorphic.set(kept.place, { kept, loaded })
    segment.eachCode((place, at) => this.#codes.set(place, { loaded, at }))
  }
  /** True when code is kept. */
  get inUse(): boolean {
    return this.#store !== undefined
  }

  // Classes

  /** What a class that is being defined is known by; undefined when nothing of it can be kept. */
  identityOf(bytes: Uint8Array, loader: string, above: readonly JavaClass[]): string | undefined {
    if (!this.#store || above.some(cls => !cls.kept)) return undefined
    return `${this.#store.digest(bytes)} ${loader} ${above.map(cls => cls.id).join()}`
  }
  /** The numbers of a new class: those it had before, if it is known; and whether code may name it by them. */
  placesFor(
    name: string,
    identity: string | undefined,
    sizes: ClassSizes,
  ): { readonly places: ClassPlaces; readonly kept: boolean } {
    if (!this.#writer || identity === undefined || this.#taken.has(identity)) {
      return { places: this.places.forClass(sizes), kept: false }
    }
    this.#taken.add(identity)
    const known = this.#byIdentity.get(identity)
    if (known) return { places: known.kept.places, kept: true }
    const places = this.places.forClass(sizes)
    this.#writer.addClass({ identity, name, places })
    this.#names.set(places.id, name)
    return { places, kept: true }
  }

  // Getting code

  /** Puts what a class’s methods are called by at first into the code table; false when it is not there. */
  installStubs({ methods, kept }: JavaClass): boolean {
    const [first] = methods
    const found = first && kept ? this.#stubs.get(first.id) : undefined
    if (found) this.#instance(found.loaded)((first as Method).id, found.part, methods.length)
    return found !== undefined
  }
  /** Names that must be loaded before the code for a place can be used; undefined when there is no code. */
  namesFor(place: number, cls: JavaClass): readonly string[] | undefined {
    const at = cls.kept ? this.#codes.get(place) : undefined
    if (!at) return undefined
    const { classes } = at.loaded.segment.code(place, at.at)
    const names: string[] = []
    for (let i = 0; i < classes.length; i += 2) {
      const name = this.#names.get(classes[i] as number)
      if (name !== undefined && !this.#vm.classes.peek(name, cls.loader)) names.push(name)
    }
    return names
  }
  /** Puts code for a method or a call site of a class at its place; false when there is none that fits. */
  install(place: number, cls: JavaClass, method: Method | undefined): boolean {
    const found = cls.kept && cls.state !== 'loaded' && cls.state !== 'linked' ? this.#codes.get(place) : undefined
    if (!found) return false
    const { loaded } = found
    const code = loaded.segment.code(place, found.at)
    if (!this.#ready(code.classes, cls)) return false
    const put = this.#instance(loaded)
    for (const site of code.sites) if (!this.#adoptSite(site)) return false
    for (const shared of code.polymorphic) if (!this.#adoptPolymorphic(shared)) return false
    for (const [text, at] of code.strings) this.#vm.adoptString(text, at)
    if (method) {
      const { tiers, traces } = this.#vm
      tiers.counter(method)
      for (let i = 0; i < code.calls.length; i += 2) {
        tiers.adoptProfile(method, code.calls[i] as number, code.calls[i + 1] as number)
      }
      for (let i = 0; i < code.loops.length; i += 2) {
        tiers.adoptLoop(method, code.loops[i] as number, code.loops[i + 1] as number)
      }
      traces.register(`m${method.id}`, code.marks)
    }
    put(place, code.part, 1)
    this.found++
    return true
  }
  /** Whether names lead from a class to those that the code means. */
  #ready(classes: readonly number[], from: JavaClass): boolean {
    const { classes: table, linker, mirrors } = this.#vm
    for (let i = 0; i < classes.length; i += 2) {
      const [id, flags] = [classes[i] as number, classes[i + 1] as number]
      const name = this.#names.get(id)
      const cls = name === undefined ? undefined : name === from.name ? from : table.peek(name, from.loader)
      if (cls?.id !== id) return false
      if (flags & USE.linked) linker.link(cls)
      if (flags & USE.mirror) mirrors.placeOf(cls)
    }
    return true
  }
  #adoptSite(place: number): boolean {
    if (this.#vm.sites.has(place)) return true
    const found = this.#sites.get(place)
    if (!found) return false
    const { classId, instruction, signature, unique, part } = found.kept
    const cls = this.#vm.classes.byId(classId)
    if (!cls) return false
    this.#vm.sites.adopt(place, cls, Uint8Array.from(instruction), signature, unique)
    this.#instance(found.loaded)(place, part, 1)
    return true
  }
  #adoptPolymorphic(place: number): boolean {
    if (this.#vm.sites.hasPolymorphic(place)) return true
    const found = this.#polymorphic.get(place)
    if (!found) return false
    this.#vm.sites.adoptPolymorphic(place, found.kept.name, found.kept.signature)
    this.#instance(found.loaded)(place, found.kept.part, 1)
    return true
  }
  #instance(loaded: Loaded): (place: number, part: number, count: number) => void {
    loaded.install ??= this.#vm.instantiateBytes(loaded.segment.wasm).install as NonNullable<Loaded['install']>
    return loaded.install
  }

  // Keeping code

  /** Notes to take while code for a class is translated; undefined when it will not be kept. */
  wants(cls: JavaClass): boolean {
    return this.#writer !== undefined && cls.kept && !this.#writer.full
  }
  /** Keeps a module’s code: of a method or call site at its place, and of the call sites that came with it. */
  keep(place: number, recording: Recording, translated: Translated): void {
    const writer = this.#writer
    if (!writer) return
    const first = writer.adopt(translated.module, translated.types)
    for (const { place: at, stub } of translated.stubs) {
      const part = stub.index - METHOD_IMPORTS.length + first
      const site = this.#vm.sites.describe(at)
      if (site && 'instruction' in site) writer.addSite({ ...site, place: at, part })
      else if (site) writer.addPolymorphic({ ...site, place: at, part })
    }
    const { fits, sites, polymorphic } = recording
    const stubsKept = sites.every(at => this.#sites.has(at) || writer.hasStub(at))
    const sharedKept = polymorphic.every(at => this.#polymorphic.has(at) || writer.hasStub(at))
    if (fits && stubsKept && sharedKept && !this.#codes.has(place))
      writer.addCode({ place, recording, translated }, first)
  }
  /** Keeps what the methods of these classes, and no others, are called by at first; `module` has them in order. */
  keepStubs(classes: readonly JavaClass[], module: ModuleBuilder, types: ModuleTypes): void {
    if (!this.#writer || this.#writer.full || classes.length === 0) return
    let part = this.#writer.adopt(module, types)
    for (const { kept, methods } of classes) {
      if (kept) this.#writer.addStubs((methods[0] as Method).id, part)
      part += methods.length
    }
  }
  /** The program has ended: what it compiled is kept for the next time, if it is worth it. */
  save(): void {
    if (!this.#writer || this.#writer.count < WORTH_KEEPING) return
    this.#store?.add(this.#writer.finish(this.places.unused))
  }
}

/** What a store has; undefined when it is not an archive’s, so that it had better be left alone. */
function readSegments(store: CodeStore): Segment[] | undefined {
  try {
    return store.load().map(bytes => new Segment(bytes))
  } catch (error) {
    if (error instanceof DoppelError) return undefined
    throw error
  }
}
