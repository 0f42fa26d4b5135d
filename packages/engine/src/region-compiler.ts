import { Arena, type FunctionBody, ModuleBuilder } from '@doppel/wasm'
import type { Sharing } from './emitter.ts'
import type { Isa } from './engine.ts'
import { importCalls, REGION_TYPE } from './generated-module.ts'
import { newDecoded } from './insn.ts'
import type { RegisterFile } from './layout.ts'
import { discoverRegion, dispatchesInVain, explore, isCall, type KnownTargets } from './region.ts'
import type { ReadInstruction, Region } from './region.ts'
import { RegionEmitter } from './translate.ts'
import type { Usage } from './usage.ts'

const PAGE_BYTES = 4096
/** Fewer places that computed jumps have gone to make no switch. */
const MIN_TARGETS = 2
const MAX_TARGETS = 64

/** Building a region is never interrupted by building another, so all machines of a thread share this. */
let arena: Arena | undefined

/** Where a region's blocks begin and end. */
export function boundsOf({ blocks }: Region): Int16Array {
  return Int16Array.from(blocks.flatMap(b => (b.instructions.length > 0 ? [b.offset, b.end] : [])))
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
}
