import type { FunctionBody } from '@doppel/wasm'
import { type Isa, isaUsage } from './engine.ts'
import type { Decoded } from './insn.ts'
import { boundsOf, RegionCompiler } from './region-compiler.ts'
import type { SavedRegion } from './saved-region.ts'

/** A region to be compiled on another thread: its page's bytes, its root, what it does not enter, where computed jumps landed. */
export interface RegionRequest {
  readonly page: Uint8Array
  readonly root: number
  readonly barrier: number
  readonly computed: Int16Array
}

/** What became of requests: regions in their order, undefined where there is nothing to translate. */
export interface CompiledElsewhere {
  readonly module: WebAssembly.Module
  readonly byteLength: number
  readonly regions: readonly (CompiledRegion | undefined)[]
}
interface CompiledRegion extends Omit<SavedRegion, 'guest' | 'patient'> {
  /** Its function's name in the module. */
  readonly name: string
  readonly instructions: number
}

/** Compiles regions on another thread; undefined when that has failed. Never rejects. */
export type RemoteCompiler = (requests: readonly RegionRequest[]) => Promise<CompiledElsewhere | undefined>

/** What a thread that compiles for others does. The code is for machines whose harts share one thread. */
export function compileRegions<M>(isa: Isa<M>): (requests: readonly RegionRequest[]) => CompiledElsewhere {
  const compiler = new RegionCompiler(isa, isaUsage(isa), 'alone')
  return requests => {
    const found = requests.map(({ page, root, barrier, computed }) => {
      const read = readerOf(isa, page)
      const landed = new Set(computed)
      return compiler.regionAt(
        root,
        read,
        barrier,
        compiler.knownTargets(offset => landed.has(offset), read),
      )
    })
    const real = found.filter(region => region !== undefined)
    const { bytes, bodies } = compiler.compile(real, false)
    const regions = requests.map(({ root, barrier }, i): CompiledRegion | undefined => {
      const region = found[i]
      if (!region) return undefined
      const place = real.indexOf(region)
      const { code, hints } = bodies[place] as FunctionBody
      const instructions = region.instructionCount
      return { root, barrier, bounds: boundsOf(region), code, hints, name: String(place), instructions }
    })
    return { module: new WebAssembly.Module(bytes), byteLength: bytes.length, regions }
  }
}

const PAGE_BYTES = 4096

/** Decodes a page's instructions; false for what is none, or goes on in the next page. */
function readerOf<M>({ set }: Isa<M>, page: Uint8Array): (offset: number, out: Decoded) => boolean {
  const half = (at: number): number => (page[at] as number) | ((page[at + 1] as number) << 8)
  return (offset, out) => {
    const low = half(offset)
    const isLong = (low & 3) === 3
    if (isLong && offset === PAGE_BYTES - 2) return false
    set.decode(isLong ? low | (half(offset + 2) << 16) : low, out)
    return out.row >= 0
  }
}
