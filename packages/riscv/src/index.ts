export { riscvAssembly } from './assembly.ts'
export { type CpuOptions, createRiscvCpu, RiscvCpu } from './cpu.ts'
export { RiscvDebug } from './debug.ts'
export { Hart } from './hart.ts'
export { rv64gc } from './insn/rv64gc.ts'
export { RISCV_ISA } from './description.ts'
export { describeRegions } from './describe.ts'
export { type MappedRange, mappedRanges } from './mappings.ts'
export { Profile, type ProfilePlace } from './profile.ts'
export type { BoardPort, HartThread, ThreadStats } from './threads/messages.ts'
export {
  callerOf,
  type FrameLayouts,
  type FrameSource,
  type StackFrame,
  type StackRegisters,
  unwind,
  type UnwindNames,
} from './unwind.ts'
export type { HartObserver, ObservedAccess, ObservedTrap, ObservedWalk } from './observers.ts'
export { type CodeRange, WatchedCode } from './watched-code.ts'
export { Coverage } from './coverage.ts'
export { isCsr } from './csr.ts'
export { causeName } from './cause-names.ts'
export { HartView, physicalView, type WalkStep } from './view.ts'
export { serveHart } from './threads/serve-hart.ts'
export { remoteCompiler, serveTranslations } from './threads/serve-translations.ts'
export { ThreadedCpu, type ThreadOptions } from './threads/threaded-cpu.ts'
