export { CodeNames } from './code-names.ts'
export { decodeSaved, encodeSaved, type Saved } from './codec.ts'
export { get16, get32, put16, put32 } from './big-endian.ts'
export {
  type ArmedTimers,
  type Clock,
  hostClock,
  MachineClock,
  threadsNowMs,
  type Timer,
  TimerQueue,
  VirtualClock,
} from './clock.ts'
export {
  type ElfExpectation,
  type ElfFile,
  type ElfSegment,
  type ElfSymbol,
  EM_RISCV,
  EM_X86_64,
  isElf,
  parseElf,
} from './elf.ts'
export type {
  DataBreakpoint,
  PlacedBreakpoint,
  ShownInstruction,
  SourceBreakpoint,
  SourceEnd,
  SourceFrame,
  SourceMachine,
  SourceReturn,
  SourceRun,
  SourceScope,
  SourceStop,
  SourceTarget,
  SourceThread,
  SourceValue,
  SourceVariable,
} from './source-debug.ts'
export type {
  DebugFeature,
  DebugGoal,
  DebugPosition,
  DebugRegister,
  DebugStop,
  DebugTarget,
  PositionedTarget,
  WatchKind,
} from './debug.ts'
export { type EntropySource, type RepeatableEntropy, hostEntropy, seededEntropy } from './entropy.ts'
export { type LineRange, type LineSections, LineTable, parseLineTable, type SourceLine } from './dwarf-lines.ts'
export { ElfSectionTable, elfSections, type Inflate, type ReadBytes } from './elf-sections.ts'
export { assert, DoppelError } from './errors.ts'
export type { EnvironmentCall, HartThreads, Privilege, RiscvCpu, RiscvCpuConfig, RiscvHart, SliceEnd } from './hart.ts'
export { hashWords } from './hash.ts'
export type { GovernedWait, Governor, MachineBody, Pace } from './machine.ts'
export { foldSum, internetSum } from './internet-sum.ts'
export { FlatMemory, type GuestMemory } from './memory.ts'
export type { BlockStore, ChannelEnd, ChannelPort, CharPort, FrameOffload, IrqLine, NetPort } from './ports.ts'
export { hex, utf8Bytes, utf8Text } from './text.ts'
export { type GuestSymbol, parseSymbols, placeText, type SymbolPlace, SymbolTable } from './symbols.ts'
export { formatSize, GIB, KIB, MIB, PAGE_BYTES, parseSize } from './units.ts'
export { AT, ATE, TAG } from './dwarf-constants.ts'
export { compute, type DwarfLocation, type DwarfPiece, type ExpressionContext, locate } from './dwarf-expression.ts'
export { DwarfInfo, entryWith, nameOf, typeOf } from './dwarf-info.ts'
export { type CodeSpan, locationsOf, spansOf } from './dwarf-lists.ts'
export { type DwarfEntry, type DwarfSections, DwarfUnit } from './dwarf-unit.ts'
export { filesOf, linesOf, type LineRow, UnitLines } from './dwarf-unit-lines.ts'
export { type FrameRules, FrameTable, type RegisterRule } from './dwarf-cfi.ts'
export type { UnitFiles } from './dwarf-files.ts'
export { countBefore } from './search.ts'
