import type { FunctionRef, FunctionType, ModuleBuilder, ValueType as WasmType } from '@doppel/wasm'
import { F64, I32 } from '@doppel/wasm'
import type { Layout } from '../machine/layout.ts'
import type { Program, Signature, ValueType } from '../program/program.ts'
import type { VerifiedProgram } from '../verify/verify.ts'
import type { HeapFunctions } from './heap-functions.ts'
import type { FramePlan } from './frames.ts'
import { WASM_TYPES } from './value.ts'

/** Functions that the host gives to generated code, besides standard procedures. */
export const HOST_TYPES: Readonly<Record<string, FunctionType>> = {
  /** Site, cause, three values: stops the program. */
  trap: { kind: 'func', params: [I32, I32, F64, F64, F64], results: [] },
  /** Site and a pointer that is not that of a live variable: stops the program. */
  badPointer: { kind: 'func', params: [I32, I32], results: [] },
  /** Site: a chance for the world to stop the program, or let others run. */
  look: { kind: 'func', params: [I32], results: [] },
  /** The heap's own ways, for what generated code leaves to it. */
  allocate: { kind: 'func', params: [I32], results: [I32] },
  release: { kind: 'func', params: [I32], results: [] },
  /** Ends the program. */
  stop: { kind: 'func', params: [], results: [] },
}

/** What generating the code of any routine needs to know. */
export interface ModuleContext {
  readonly verified: VerifiedProgram
  readonly program: Program
  readonly layout: Layout
  readonly plans: readonly FramePlan[]
  readonly module: ModuleBuilder
  readonly host: ReadonlyMap<string, FunctionRef>
  readonly routines: readonly FunctionRef[]
  /** Routines that may come to call themselves. */
  readonly recursive: ReadonlySet<number>
  readonly byteFunctions: { readonly compare: FunctionRef; readonly fill: FunctionRef }
  readonly heapFunctions: HeapFunctions
  /** Indices of globals. */
  readonly stackTop: number
  readonly gotoFrame: number
  readonly entryFuel: number
  /** The tag of gotos out of procedures. */
  readonly gotoTag: number
  /** Sites by the number that generated code has for them. */
  readonly sites: { readonly routine: number; readonly at: number }[]
}

/** Parameters of the memory words that a set result is left in; below every object, so nothing else is there. */
export const SET_RESULT_ADDRESS = 32

/** The WebAssembly types of parameters. */
export function wasmParams(params: readonly ValueType[]): WasmType[] {
  return params.flatMap(type => WASM_TYPES[type] as readonly WasmType[])
}
/** The type of a routine's function. A set result is left in memory instead. */
export function functionType(signature: Signature, takesLink: boolean): FunctionType {
  const { params, result } = signature
  const results = result === undefined || result === 's' ? [] : (WASM_TYPES[result] as readonly WasmType[])
  return { kind: 'func', params: [...(takesLink ? [I32] : []), ...wasmParams(params)], results }
}
