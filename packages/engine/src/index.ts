export { compiledOnce, type GeneratedStore, keepGenerated } from './compiled.ts'
export { decodeUsages, encodeUsages } from './saved-usage.ts'
export { type AssembledProgram, type AssembleOptions, assemble } from './assemble.ts'
export { type Assembly, assemblyOf, type PseudoInstruction } from './assembly.ts'
export { disassemble } from './disassemble.ts'
export { Emitter, type HostCalls, type Sharing } from './emitter.ts'
export { type Encoding, extractField, parseEncoding } from './encoding.ts'
export {
  Engine,
  type EngineOptions,
  type EnginePlace,
  type EngineStats,
  type Isa,
  isaUsage,
  type Services,
} from './engine.ts'
export { Exit, Request } from './exits.ts'
export {
  type CompiledElsewhere,
  compilerFor,
  type RegionRequest,
  type RemoteCompiler,
} from './remote-compiler.ts'
export { Frames } from './frames.ts'
export {
  type CompressedRow,
  compressed,
  type Decoded,
  encode,
  type InstructionRow,
  InstructionSet,
  insn,
  newDecoded,
  type Operand,
  type Operands,
} from './insn.ts'
export { THREAD_SPACE, THREAD_SPACE_BYTES } from './memory-map.ts'
export { isShared, memoryLimits } from './memory-limits.ts'
export { type CommonState, layoutState, RECORD, type RegisterFile, type StateLayout } from './layout.ts'
export { floatAdd, floatDiv, floatFma, floatMul, floatSqrt, floatSub } from './float/arithmetic.ts'
export { floatClass, floatCompare, floatEq, floatLe, floatLt, floatMax, floatMin } from './float/compare.ts'
export { floatToFloat, floatToInteger, integerToFloat } from './float/convert.ts'
export {
  DZ,
  F32,
  F64,
  type FloatFormat,
  type FloatPolicy,
  type FloatStatus,
  floatFormat,
  I32,
  I64,
  type IntegerFormat,
  NV,
  NX,
  OF,
  RDN,
  riscvFloatPolicy,
  RMM,
  RNE,
  RTZ,
  RUP,
  U32,
  U64,
  UF,
} from './float/format.ts'
export {
  type PhysicalLayout,
  ramPageOf,
  type SystemWriter,
  tableEntry,
  type TranslateWriter,
  WALK,
} from './services.ts'
export type { AssemblyNames } from './syntax.ts'
export { CONTEXT_BYTES, largePageByte, READ, type Tlb, WRITE, writeFlushPage } from './tlb.ts'
