export { type EngineFrame, engineStacks, readFrames } from './engine-stack.ts'
export { Arena } from './arena.ts'
export type { BranchHint } from './emit.ts'
export { analyseFlow, type FlowGraph } from './cfg.ts'
export { type Block, FunctionBuilder, type Guard, type Likelihood, type Local, type Node } from './function.ts'
export { Gc } from './gc.ts'
export { type FunctionBody, type FunctionRef, type Limits, ModuleBuilder } from './module.ts'
export { Op } from './opcodes.ts'
export { functionText } from './text.ts'
export {
  ANYREF,
  type ArrayType,
  type DefinedType,
  EQREF,
  EXTERNREF,
  F32,
  F64,
  type FieldType,
  FUNCREF,
  type FunctionType,
  I16,
  I32,
  I64,
  I8,
  ref,
  type StructType,
  V128,
  VOID,
  type ValueType,
} from './types.ts'
