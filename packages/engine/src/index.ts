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
