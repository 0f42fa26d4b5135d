import { type FunctionType, I32, type ModuleBuilder } from '@doppel/wasm'
import type { HostCalls } from './emitter.ts'
import { memoryLimits } from './memory-limits.ts'
import { SERVICE_TYPES } from './services.ts'

/** The type of translated regions: (state, the region's first record, how many regions wait for a return) → Exit. */
export const REGION_TYPE: FunctionType = { kind: 'func', params: [I32, I32, I32], results: [I32] }

/** Declares what all generated code imports, in one order, so that function indices are the same in every module. */
export function importCalls(
  module: ModuleBuilder,
  runtime: Readonly<Record<string, FunctionType>>,
  shared: boolean,
): { calls: HostCalls; regionType: number } {
  const services = Object.entries(SERVICE_TYPES).map(([name, type]) => [
    name,
    module.importFunction('engine', name, type),
  ])
  const functions = Object.entries(runtime).map(([name, type]) => [name, module.importFunction('engine', name, type)])
  module.importMemory('engine', 'memory', memoryLimits(shared))
  module.importTable('engine', 'table', { min: 1 })
  const calls = { ...Object.fromEntries(services), runtime: Object.fromEntries(functions) } as unknown as HostCalls
  return { calls, regionType: module.type(REGION_TYPE) }
}
