export { CodeBuilder, type Label } from './program/code-builder.ts'
export {
  CODE_WORDS,
  Field,
  type FileParameter,
  type JumpTable,
  LINE_BITS,
  type Program,
  type Routine,
  type Signature,
  type StorageClass,
  type ValueType,
  type Variable,
} from './program/program.ts'
export { opensTitles } from './program/opens-titles.ts'
export type { FieldSymbol, TypeSymbol } from './program/type-symbol.ts'
export { type InstructionName, Row, ROW_NAMES, ROWS } from './rows/p5.ts'
export { Csp, STANDARD, STANDARD_NAMES, type StandardName } from './rows/standard.ts'
export { memoryFiles } from './machine/memory-files.ts'
export type { FilePort, InputStream, OutputStream } from './machine/ports.ts'
export { memoryTitles, MAX_TITLED_BYTES, type Title, type TitleFault, type TitlePort } from './machine/titles.ts'
export { DEFAULT_MEMORY_BYTES } from './machine/layout.ts'
export { Halt, Problem, type ProgramPlace } from './machine/problem.ts'
export type { RealStyle } from './machine/number-text.ts'
export type { RunResult } from './machine/result.ts'
export { type RunOptions, runProgram } from './machine/run.ts'
export { type VerifiedProgram, verifyProgram } from './verify/verify.ts'
export type { SourcePosition } from './source-position.ts'
export { type CompileOptions, type CompileResult, compilePascal } from './pascal/compile.ts'
export { type FrontOptions, type FrontResult, checkPascal } from './pascal/front.ts'
export { type Diagnostic, renderDiagnostic } from './pascal/diagnostics.ts'
export { type Dialect, DIALECTS } from './pascal/dialect.ts'
