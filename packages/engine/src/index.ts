export { Emitter, type HostCalls } from './emitter.ts'
export { type Encoding, extractField, parseEncoding } from './encoding.ts'
export { Exit, Request } from './exits.ts'
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
export { type CommonState, layoutState, RECORD, type RegisterFile, type StateLayout } from './layout.ts'
