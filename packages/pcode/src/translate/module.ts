import { Arena, FUNCREF, type FunctionRef, type FunctionType, I32, ModuleBuilder } from '@doppel/wasm'
import { frameSize, type Layout } from '../machine/layout.ts'
import { CODE_WORDS, Field, STORAGE } from '../program/program.ts'
import { Row } from '../rows/p5.ts'
import { STANDARD, STANDARD_NAMES } from '../rows/standard.ts'
import { rowAt } from '../verify/effects.ts'
import type { VerifiedProgram } from '../verify/verify.ts'
import { graphOf } from './blocks.ts'
import { functionType, HOST_TYPES, type ModuleContext, wasmParams } from './context.ts'
import { planFrames } from './frames.ts'
import { declareByteFunctions, writeByteFunctions } from './byte-functions.ts'
import { declareHeapFunctions, writeHeapFunctions } from './heap-functions.ts'
import { RoutineTranslator } from './routine.ts'
import { ENTRY_FUEL } from './routine-frame.ts'

/** A program as a WebAssembly module, and where its code came from. */
export interface TranslatedProgram {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sites: readonly { readonly routine: number; readonly at: number }[]
  /** For each function by name: pairs of byte offset in the module and site. */
  readonly marks: ReadonlyMap<string, readonly number[]>
  /** Standard procedures that the module imports, by number. */
  readonly standard: readonly number[]
  /** Encoded bodies of the routines' functions. */
  readonly bodies: readonly Uint8Array[]
  /** What the functions that routines call are, by their index. */
  readonly functionNames: ReadonlyMap<number, string>
}

/** The names that imports have. */
export const HOST_MODULE = 'host'

/** Translates a whole program. */
export function translateProgram(verified: VerifiedProgram, layout: Layout): TranslatedProgram {
  const { program } = verified
  const module = new ModuleBuilder()
  const plans = planFrames(verified)
  module.importMemory(HOST_MODULE, 'memory', { min: 1, max: 0x1_0000 })
  const host = new Map<string, FunctionRef>()
  for (const [name, type] of Object.entries(HOST_TYPES)) host.set(name, module.importFunction(HOST_MODULE, name, type))
  const standard = standardCalls(verified)
  for (const index of standard) {
    const row = STANDARD[index] as (typeof STANDARD)[number]
    const params = [...wasmParams(row.pops), I32]
    const type: FunctionType = { kind: 'func', params, results: wasmParams(row.pushes) }
    host.set(`csp${index}`, module.importFunction(HOST_MODULE, `csp${index}`, type))
  }
  const mainFrame = program.routines[0]?.frameBytes ?? 0
  const context: ModuleContext = {
    verified,
    program,
    layout,
    plans,
    module,
    host,
    routines: program.routines.map((routine, i) =>
      module.declare(functionName(i, false), functionType(routine, plans[i]?.takesLink ?? false)),
    ),
    recursive: recursiveRoutines(verified),
    byteFunctions: declareByteFunctions(module),
    heapFunctions: declareHeapFunctions(module),
    stackTop: module.global(I32, true, layout.stack + frameSize(mainFrame)),
    gotoFrame: module.global(I32, true, 0),
    entryFuel: module.global(I32, true, ENTRY_FUEL),
    gotoTag: module.tag({ kind: 'func', params: [I32], results: [] }),
    sites: [],
  }
  writeByteFunctions(module, context.byteFunctions)
  const hostHeap = { allocate: host.get('allocate') as FunctionRef, release: host.get('release') as FunctionRef }
  writeHeapFunctions(module, context.heapFunctions, hostHeap, program, layout)
  const values = plans.map((plan, i) => (plan.isValue ? i : -1)).filter(i => i >= 0)
  module.table(FUNCREF, { min: program.routines.length + 1 })
  for (const i of values) module.elements(0, i + 1, [context.routines[i] as FunctionRef])
  const built = verified.routines.flatMap(routine => translateRoutine(context, routine))
  module.export('main', 'func', (context.routines[0] as FunctionRef).index)
  const bytes = module.encode()
  const marks = new Map(built.map(fn => [fn.name, module.marks(fn)]))
  return {
    bytes,
    sites: context.sites,
    marks,
    standard,
    bodies: context.routines.map(routine => module.body(routine).code),
    functionNames: namesOf(context),
  }
}

function namesOf({ program, routines, host }: ModuleContext): ReadonlyMap<number, string> {
  const names = new Map(routines.map(({ index }, i) => [index, program.routines[i]?.name ?? '']))
  for (const [name, { index }] of host) {
    const standard = /^csp(\d+)$/.exec(name)?.[1]
    names.set(index, standard === undefined ? name : (STANDARD_NAMES[Number(standard)] ?? name))
  }
  return names
}

/** A routine's function, and the one that goes on at its loops where it has any. */
function translateRoutine(context: ModuleContext, routine: VerifiedProgram['routines'][number]) {
  const { module } = context
  const graph = graphOf(context.program, routine)
  const declared = context.routines[routine.index] as FunctionRef
  const hasLoops = graph.flow.loopHeader.includes(1) && graph.flow.irreducible.length === 0
  const fn = module.build(declared, arena)
  if (!hasLoops) {
    new RoutineTranslator(fn, context, routine, graph, false, undefined).translate()
    module.finish(fn)
    return [fn]
  }
  // Its parameters are what the first function's frame turns out to be.
  const plan = context.plans[routine.index] as ModuleContext['plans'][number]
  const type: FunctionType = { ...declared.type, params: resumedParams(plan, routine.index) }
  const resume = module.declare(functionName(routine.index, true), type)
  new RoutineTranslator(fn, context, routine, graph, false, resume).translate()
  module.finish(fn)
  const resumed = module.build(resume, arena)
  new RoutineTranslator(resumed, context, routine, graph, true, resume).translate()
  module.finish(resumed)
  return [fn, resumed]
}
const arena = new Arena()

function resumedParams(plan: ModuleContext['plans'][number], index: number): FunctionType['params'] {
  const registers = [...plan.registers.values()].flatMap(storage => wasmParams([STORAGE[storage].type]))
  return [I32, ...(plan.takesLink ? [I32] : []), ...(plan.inMemory && index !== 0 ? [I32] : []), ...registers]
}

/** The name of a routine's function, by which stack traces know it. */
function functionName(index: number, resumed: boolean): string {
  return `p${index}${resumed ? 'r' : ''}`
}
/** The routine whose function has this name; undefined when it is none. */
export function routineOfFunction(name: string): number | undefined {
  const match = /^p(\d+)r?$/.exec(name)
  return match ? Number(match[1]) : undefined
}

function standardCalls(verified: VerifiedProgram): number[] {
  const found = new Set<number>()
  forEachInstruction(verified, (_, code, word) => {
    const row = rowAt(code, word)
    const number = row.shape === 'standard' ? (code[word + Field.q] as number) : row.uses
    if (number !== undefined && STANDARD[number]?.serve) found.add(number)
  })
  return [...found]
}

/** Routines on a cycle of the call graph; a procedure that is a value may be called by any that calls such. */
function recursiveRoutines(verified: VerifiedProgram): Set<number> {
  const calls = verified.routines.map(() => new Set<number>())
  const indirect = new Set<number>()
  const values = new Set<number>()
  forEachInstruction(verified, (index, code, word) => {
    const { shape } = rowAt(code, word)
    if (shape === 'call') calls[index]?.add(code[word + Field.q] as number)
    if (shape === 'indirect') indirect.add(index)
    if (code[word + Field.row] === Row.lpa) values.add(code[word + Field.q] as number)
  })
  for (const caller of indirect) for (const value of values) calls[caller]?.add(value)
  const reaches = (from: number): boolean => {
    const seen = new Set<number>()
    const work = [...(calls[from] as Set<number>)]
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      if (at === from) return true
      if (seen.has(at)) continue
      seen.add(at)
      work.push(...(calls[at] as Set<number>))
    }
    return false
  }
  return new Set(verified.routines.map(r => r.index).filter(reaches))
}

function forEachInstruction(
  verified: VerifiedProgram,
  visit: (routine: number, code: Int32Array, word: number) => void,
): void {
  for (const { index, routine, stacks } of verified.routines) {
    stacks.forEach((stack, at) => {
      if (stack !== undefined) visit(index, routine.code, at * CODE_WORDS)
    })
  }
}
