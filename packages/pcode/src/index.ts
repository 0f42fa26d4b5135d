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
export type { FieldSymbol, TypeSymbol } from './program/type-symbol.ts'
export { type InstructionName, Row, ROW_NAMES, ROWS } from './rows/p5.ts'
export { Csp, STANDARD, STANDARD_NAMES, type StandardName } from './rows/standard.ts'
export { memoryFiles } from './machine/memory-files.ts'
export type { FilePort, InputStream, OutputStream } from './machine/ports.ts'
export { Problem, type ProgramPlace } from './machine/problem.ts'
export type { RealStyle } from './machine/number-text.ts'
export type { RunResult } from './machine/result.ts'
export { type RunOptions, runProgram } from './machine/run.ts'
export { type DebugOptions, ProgramDebugger } from './debug/debugger.ts'
export { type VerifiedProgram, verifyProgram } from './verify/verify.ts'
export type { SourcePosition } from './source-position.ts'
export { type CompileOptions, type CompileResult, compilePascal } from './pascal/compile.ts'
export { type FrontOptions, type FrontResult, checkPascal } from './pascal/front.ts'
export { type Diagnostic, renderDiagnostic } from './pascal/diagnostics.ts'
export { type FormatResult, formatPascal } from './pascal/format/format.ts'
export { type Dialect, DIALECTS } from './pascal/dialect.ts'
export { loadP4, loadP5 } from './text/p5-loader.ts'
export { readProgramText } from './text/program-reader.ts'
export { listProgram, type RoutineListing } from './translate/listing.ts'
export { PROGRAM_TEXT_MARK, writeProgramText } from './text/program-writer.ts'
export { type BootParts, bootSystem, MAX_DISKS } from './ucsd/boot.ts'
export { readCodefile } from './ucsd/codefile.ts'
export { disassembleCodefile } from './ucsd/disassemble.ts'
export type { PMachine, PMachineEnd } from './ucsd/machine.ts'
export type { ConsolePort } from './ucsd/units/console.ts'
export { BLOCK_BYTES, type DiskPort, memoryDisk } from './ucsd/units/disk.ts'
export { emptyVolume, putVolumeFile, readVolumeFile } from './ucsd/volume/change.ts'
export type { VolumeDate } from './ucsd/volume/dated-disk.ts'
export { type Directory, readDirectory, type VolumeFile } from './ucsd/volume/directory.ts'
export { physicalDisk } from './ucsd/volume/physical-disk.ts'
export { fileOfText, textOfFile } from './ucsd/volume/text-file.ts'
