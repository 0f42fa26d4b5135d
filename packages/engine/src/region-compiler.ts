import { hashWords } from '@doppel/base'
import { Arena, type FunctionBody, ModuleBuilder } from '@doppel/wasm'
import { generatedOnce } from './compiled.ts'
import type { Sharing } from './emitter.ts'
import type { Isa } from './engine.ts'
import { importCalls, REGION_TYPE } from './generated-module.ts'
import { type Decoded, newDecoded } from './insn.ts'
import type { RegisterFile } from './layout.ts'
import { discoverRegion, dispatchesInVain, explore, isCall, type KnownTargets } from './region.ts'
import type { ReadInstruction, Region } from './region.ts'
import { type SavedRegion, unpackBody } from './saved-region.ts'
import { RegionEmitter } from './translate.ts'
import type { Usage } from './usage.ts'

const PAGE_BYTES = 4096
const ROWS_IN_A_RUN = 100
/** To be raised when translations change in a way that those of single instructions do not show. */
const TRANSLATOR_VERSION = 9
/** Fewer places that computed jumps have gone to make no switch. */
const MIN_TARGETS = 2
const MAX_TARGETS = 64

/** Building a region is never interrupted by building another, so all machines of a thread share this. */
let arena: Arena | undefined

/** Where a region's blocks begin and end. */
export function boundsOf({ blocks }: Region): Int32Array {
  return Int32Array.from(blocks.flatMap(b => (b.instructions.length > 0 ? [b.offset, b.end] : [])))
}

/** Makes WebAssembly of a page's instructions. It knows nothing of a machine, so any thread can do it for another. */
export class RegionCompiler<M> {
  readonly #isa: Isa<M>
  readonly #usages: readonly Usage[]
  readonly #files: readonly RegisterFile[]
  readonly #sharing: Sharing

  constructor(isa: Isa<M>, usages: readonly Usage[], sharing: Sharing) {
    this.#isa = isa
    this.#usages = usages
    this.#files = Object.values(isa.state.files)
    this.#sharing = sharing
  }

  /** The region at `root`, which does not enter `barrier`; undefined when there is nothing to translate. */
  regionAt(root: number, read: ReadInstruction, barrier: number, known: KnownTargets): Region | undefined {
    const region = discoverRegion(root, explore(root, read, this.#usages, barrier, known), this.#usages, this.#files)
    if (region === undefined || !dispatchesInVain(region)) return region
    return discoverRegion(root, explore(root, read, this.#usages, barrier), this.#usages, this.#files)
  }

  /** Where computed jumps of a page may go: where some have gone so far, calls and their returns left out. */
  knownTargets(isComputed: (offset: number) => boolean, read: ReadInstruction): KnownTargets {
    let found: number[] | undefined
    const decoded = newDecoded()
    const follows = (offset: number): boolean =>
      [2, 4].some(length => {
        const before = offset - length
        if (before < 0 || !read(before, decoded) || decoded.lengthBytes !== length) return false
        return isCall(decoded, this.#usages[decoded.row] as Usage)
      })
    const find = (): number[] => {
      const targets: number[] = []
      for (let offset = 0; offset < PAGE_BYTES && targets.length < MAX_TARGETS; offset += 2) {
        if (isComputed(offset) && !follows(offset)) targets.push(offset)
      }
      return targets.length < MIN_TARGETS ? [] : targets
    }
    return jump => (this.#isa.isReturn(jump) ? [] : (found ??= find()))
  }

  /** One module with the regions' functions, exported by their numbers, and their bodies. */
  compile(
    regions: readonly Region[],
    patient: boolean,
  ): { readonly bytes: Uint8Array<ArrayBuffer>; readonly bodies: readonly FunctionBody[] } {
    const isa = this.#isa
    const module = new ModuleBuilder()
    const { calls, regionType } = importCalls(module, isa.runtime, this.#sharing !== 'alone')
    const emitter = new RegionEmitter(isa.state.common, calls, this.#sharing, this.#files, this.#usages, regionType)
    const machine = isa.wrap(emitter)
    const bodies = regions.map((region, i) => {
      const declared = module.declare('', REGION_TYPE)
      const fn = module.build(declared, (arena ??= new Arena()))
      emitter.translate(fn, region, isa.set.rows, machine, patient)
      module.finish(fn)
      module.export(String(i), 'func', declared.index)
      return module.body(declared)
    })
    return { bytes: module.encode(), bodies }
  }

  /** What tells this translator from others: how it translates each instruction by itself. */
  get key(): readonly [number, number] {
    const made = generatedOnce(`${this.#isa.name} translator ${this.#sharing}`, () => {
      return new Uint8Array(Int32Array.from(this.#makeKey()).buffer)
    })
    const [a = 0, b = 0] = new Int32Array(made.slice().buffer)
    return [a, b]
  }
  #makeKey(): readonly [number, number] {
    const module = new ModuleBuilder()
    const { calls, regionType } = importCalls(module, this.#isa.runtime, this.#sharing !== 'alone')
    const emitter = new RegionEmitter(
      this.#isa.state.common,
      calls,
      this.#sharing,
      this.#files,
      this.#usages,
      regionType,
    )
    const machine = this.#isa.wrap(emitter)
    const scratch = new Arena()
    for (const patient of [false, true]) {
      for (const rows of rowsTogether(this.#usages)) {
        const read = (offset: number, out: Decoded): boolean => {
          Object.assign(out, { row: rows[offset >> 2], lengthBytes: 4, rd: 5, rs1: 6, rs2: 7, rs3: 8, imm: 8, uimm: 1 })
          return offset >> 2 < rows.length
        }
        const region = discoverRegion(0, explore(0, read, this.#usages), this.#usages, this.#files)
        if (!region) continue
        const fn = module.build(module.declare('', REGION_TYPE), scratch)
        emitter.translate(fn, region, this.#isa.set.rows, machine, patient)
        module.finish(fn)
      }
    }
    const bytes = module.encode()
    const words = new Int32Array((bytes.length >>> 2) + 1)
    new Uint8Array(words.buffer).set(bytes)
    const [a, b] = hashWords(words)
    return [a ^ TRANSLATOR_VERSION, b]
  }

  /** A module with the functions of saved regions, exported by their places among them. */
  moduleOf(saved: readonly SavedRegion[]): Uint8Array<ArrayBuffer> {
    const module = new ModuleBuilder()
    importCalls(module, this.#isa.runtime, this.#sharing !== 'alone')
    saved.forEach((region, i) => {
      module.export(String(i), 'func', module.define('', REGION_TYPE, unpackBody(region)).index)
    })
    return module.encode()
  }
}

/** All rows, those that just go on in long runs: a region of its own for each would take ten times as long. */
function rowsTogether(usages: readonly Usage[]): number[][] {
  const together: number[][] = [[]]
  usages.forEach(({ flow }, row) => {
    const run = together[0] as number[]
    if (flow !== 'next') together.push([row])
    else if (run.length < ROWS_IN_A_RUN) run.push(row)
    else together.unshift([row])
  })
  return together
}
