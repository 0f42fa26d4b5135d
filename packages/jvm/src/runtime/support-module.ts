import { EXTERNREF, F64, FUNCREF, type FunctionRef, Gc, I32, ModuleBuilder, ref, type ValueType } from '@doppel/wasm'
import { importShared, ModuleTypes, OBJ, T, sharedArena } from '../translate/types.ts'
import type { Support } from './support.ts'
import { DEBUG_IMPORTS } from '../translate/debug-sites.ts'
import { arraySupport } from './support-arrays.ts'
import { objectSupport } from './support-objects.ts'
import { taskSupport } from './support-tasks.ts'

/** What the host side provides: step and settle tasks, look things up, wait. */
const HOST: readonly (readonly [name: string, params: readonly ValueType[], results: readonly ValueType[]])[] = [
  ['step', [EXTERNREF], [I32]],
  ['exceptionOf', [EXTERNREF], [OBJ]],
  ['adapterOf', [EXTERNREF], [I32]],
  ['caught', [EXTERNREF, OBJ], []],
  ['await', [EXTERNREF], []],
  ['raiseTask', [I32, I32, I32, OBJ], [EXTERNREF]],
  ['compileTask', [I32], [EXTERNREF]],
  ['linkTask', [I32], [EXTERNREF]],
  ['initTask', [I32], [EXTERNREF]],
  ['missingTask', [OBJ, I32], [EXTERNREF]],
  ['monitorTask', [OBJ, I32], [EXTERNREF]],
  ['findMethod', [I32, I32], [I32]],
  ['isSubtype', [I32, I32], [I32]],
  ['pollNeeded', [], [I32]],
  ['referenceMade', [OBJ], []],
  ['referentOf', [OBJ], [OBJ]],
  ['depthOf', [OBJ], [I32]],
  ['reserve', [I32], []],
  ['hotMethod', [I32], []],
  ['loopPlace', [I32], [I32]],
  ['yieldNow', [], []],
  ['hostRemainder', [F64, F64], [F64]],
  ['copyMismatch', [OBJ, OBJ], []],
  ['hostExp', [F64], [F64]],
  ['hostMultiArray', [I32, I32], [OBJ]],
]

/** The functions that compiled methods import, in this order, each with its kinds. */
export const METHOD_IMPORTS: readonly (readonly [name: string, signature: string])[] = [
  ['npe', ')V'],
  ['arithmetic', ')V'],
  ['index', 'II)V'],
  ['classCast', 'LI)V'],
  ['arrayStore', 'L)V'],
  ['stackOverflow', ')V'],
  ['compile', 'I)V'],
  ['link', 'I)V'],
  ['init', 'I)V'],
  ['instanceOf', 'LI)I'],
  ['lookup', 'LI)I'],
  ['poll', ')V'],
  ['hot', 'I)V'],
  ['madeReference', 'L)V'],
  ['referent', 'L)L'],
  ['traceDepth', 'L)I'],
  ['loopPoll', 'I)I'],
  ['monitorEnter', 'L)V'],
  ['monitorExit', 'L)V'],
  ['allocateArray', 'II)L'],
  ['missing', 'LI)V'],
  ['drem', 'DD)D'],
  ['exp', 'D)D'],
  ['multiNewArray', 'II)L'],
  ['arraycopy', 'LILII)V'],
  ['identityHash', 'L)I'],
  ['getMirror', 'L)L'],
]

/** Builds the module that holds what compiled code calls and what the host uses to reach objects. */
export function supportModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const types = new ModuleTypes(module)
  const functions: Record<string, FunctionRef> = {}
  for (const [name, params, results] of HOST) {
    functions[name] = module.importFunction('host', name, { kind: 'func', params, results })
  }
  // Tables 1 and 2 are defined here, since the JavaScript API cannot make tables of our own types.
  module.importTypedTable('vm', 'code', FUNCREF, { min: 1 })
  module.table(OBJ, { min: 1024 })
  module.table(ref(T.vt), { min: 1024 })
  module.importMemory('vm', 'memory', { min: 1 })
  const tag = module.tag({ kind: 'func', params: [OBJ], results: [] })
  const thread = module.global(I32, true, 0)
  const hashState = module.global(I32, true, 0x2545f491)
  module.export('refs', 'table', 1)
  module.export('records', 'table', 2)
  module.export('throwable', 'tag', tag)
  module.export('thread', 'global', thread)
  const support: Support = { module, types, tag, functions, thread, hashState }
  const all = [...taskSupport, ...objectSupport, ...arraySupport]
  for (const { name, params, results } of all) {
    functions[name] = module.declare(name, { kind: 'func', params, results })
    module.export(name, 'func', functions[name].index)
  }
  for (const { name, body } of all) {
    const fn = module.build(functions[name] as FunctionRef, sharedArena)
    body(fn, new Gc(fn), support)
    module.finish(fn)
  }
  return module.encode()
}

/** A module that methods are translated into: what all of them import is there. */
export interface MethodModule {
  readonly module: ModuleBuilder
  readonly types: ModuleTypes
  readonly functions: Readonly<Record<string, FunctionRef>>
  readonly tag: number
}

const bases = new Map<boolean, MethodModule>()
/**
 * A new module for methods. What they have in common is made once: thousands of modules begin with it. The functions of a
 * `relocatable` one can go into an archive; those of a `debug` one tell the debugger what they do.
 */
export function methodModule(relocatable = false, debug = false): MethodModule {
  let base = bases.get(debug)
  if (!base) {
    const module = new ModuleBuilder()
    const types = new ModuleTypes(module)
    base = { module, types, ...importSupport(module, types, debug) }
    bases.set(debug, base)
  }
  const module = new ModuleBuilder(base.module, relocatable)
  return { ...base, module, types: new ModuleTypes(module, base.types) }
}

function importSupport(
  module: ModuleBuilder,
  types: ModuleTypes,
  debug: boolean,
): Pick<MethodModule, 'functions' | 'tag'> {
  const functions: Record<string, FunctionRef> = {}
  for (const [name, signature] of METHOD_IMPORTS) {
    functions[name] = module.importFunction('rt', name, types.signature(signature).type)
  }
  if (debug) {
    for (const [name, type] of DEBUG_IMPORTS) functions[`debug.${name}`] = module.importFunction('debug', name, type)
    functions['debug.runTask'] = module.importFunction('rt', 'runTask', {
      kind: 'func',
      params: [EXTERNREF],
      results: [],
    })
  }
  return { functions, tag: importShared(module) }
}
