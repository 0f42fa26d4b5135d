import type { FunctionBody } from '@doppel/wasm'
import { type Isa, isaUsage } from './engine.ts'
import type { Decoded } from './insn.ts'
import { boundsOf, RegionCompiler } from './region-compiler.ts'
import { packBody, type SavedRegion } from './saved-region.ts'
import { SERVICE_TYPES } from './services.ts'

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

/** Compiles on another thread. Never rejects: answers are undefined when the thread has failed. */
export interface RemoteCompiler {
  compile(requests: readonly RegionRequest[]): Promise<CompiledElsewhere | undefined>
  /** Has the functions of a module of regions compiled before they are called, as far as the thread gets. */
  warm(module: WebAssembly.Module): void
}

/** What a thread that compiles for others does. The code is for machines whose harts share one thread. */
export function compilerFor<M>(isa: Isa<M>): {
  readonly compile: (requests: readonly RegionRequest[]) => CompiledElsewhere
  readonly warm: (module: WebAssembly.Module) => void
} {
  const compiler = new RegionCompiler(isa, isaUsage(isa), 'alone')
  const compiled = (bytes: Uint8Array<ArrayBuffer>): { module: WebAssembly.Module; byteLength: number } => {
    const module = new WebAssembly.Module(bytes)
    compileNow(isa, module)
    return { module, byteLength: bytes.length }
  }
  const compile = (requests: readonly RegionRequest[]): CompiledElsewhere => {
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
      const body = packBody(bodies[place] as FunctionBody)
      const instructions = region.instructionCount
      return { root, barrier, bounds: boundsOf(region), ...body, name: String(place), instructions }
    })
    return { ...compiled(bytes), regions }
  }
  return { compile, warm: module => compileNow(isa, module) }
}

/**
 * Calls each region of a module once, where it can do nothing. Engines compile a function when it is first called, which
 * would otherwise be on the thread that runs the guest; the code is the module's, so whoever has it has that too.
 */
function compileNow<M>({ runtime }: Isa<M>, module: WebAssembly.Module): void {
  const nothing = (): number => 0
  const names = [...Object.keys(SERVICE_TYPES), ...Object.keys(runtime)]
  const imports: Record<string, WebAssembly.ImportValue> = Object.fromEntries(names.map(name => [name, nothing]))
  const memory = new WebAssembly.Memory({ initial: 1 })
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  const { exports } = new WebAssembly.Instance(module, { engine: { ...imports, memory, table } })
  // In a state of zeros there is no budget, so each returns before its first instruction.
  for (const region of Object.values(exports))
    (region as (state: number, record: number, depth: number) => number)(0, 0, 0)
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
