export { decodeRecording, encodeBeginning, type EndEvent, type Recording } from './record/format.ts'
export { encodeMessage as encodeDapMessage, MessageReader as DapMessageReader } from './debug/dap/messages.ts'
export { type DapLaunch, type DapOutput, type DapProgram, DapSession } from './debug/dap/session.ts'
export { GuestDebugger, type GuestDebugging } from './debug/source/guest-debugger.ts'
export type { DebugFile } from './debug/source/code-index.ts'
export type { CodeInstruction, MachineCode } from './debug/source/machine-code.ts'
export type { FoundCaller, FrameRegisters } from './debug/source/machine-frames.ts'
export { TerminalDebugger, type TerminalDebugging } from './debug/terminal/terminal-debugger.ts'
export type { Arguments as DapArguments } from './debug/dap/arguments.ts'
export { LiveTape, RecordingTape, ReplayingTape, type RewindableTape, type Tape } from './record/tapes.ts'
export { DEAF_PLUG, tapedPlug } from './record/taped-plug.ts'
export { MAX_CHECKPOINT_BYTES, MAX_CHECKPOINTS, type RewindableMachine } from './travel/checkpoints.ts'
export { Timeline } from './travel/timeline.ts'
export { type Landing, TimeTravel, type Travel } from './travel/time-travel.ts'
export { GdbRefusal } from './debug/gdb-refusal.ts'
export { type DebuggedMachine, GdbSession } from './debug/gdb-session.ts'
export { type LinuxTask, LinuxTasks, type ReadGuest, savesTrapOnLinux } from './views/linux-tasks.ts'
export { type FrameReport, type HartStack, stackText } from './views/stack-report.ts'
export {
  jsonTrace,
  type SyscallEvent,
  textTrace,
  TRACE_KINDS,
  type TraceEvent,
  type TraceKind,
  type TraceMoment,
  type TraceWriter,
} from './views/trace-events.ts'
export { type CallNode, CallTree } from './views/call-tree.ts'
export { blockReport, lcovReport, type RanBlocks } from './views/lcov.ts'
export { flameGraph } from './views/flame-graph.ts'
export { chromeTrace } from './views/trace-chrome.ts'
export { type ArgumentKind, LINUX_SYSCALLS, type LinuxSyscall } from './views/linux-syscalls.ts'
export { resultText } from './views/linux-errors.ts'
export { readKallsyms } from './views/kallsyms.ts'
export { AGENT_CHANNEL, type AgentState, type CommandStarter, GuestAgent, type StartRequest } from './agent/agent.ts'
export { GuestProcess, type ProcessEnd, type ProcessOutput, type RunningCommand } from './agent/running.ts'
export { shellQuote } from './agent/shell-code.ts'
export { type Abort, type CommandOptions, type CommandResult, commandCode, GuestCommands } from './agent/commands.ts'
export { type GuestFile, type GuestFileEvent, GuestFiles } from './agent/files.ts'
export { type GuardedMachine, type HostMemory, MemoryGuard } from './machine/memory-guard.ts'
export { MachineLife, type MachineState } from './machine/life.ts'
export { Console, type ConsoleViewer } from './machine/console.ts'
export { captured, pcapHeader } from './net/capture.ts'
export { Gateway, type GatewayConfig, NETWORK } from './net/gateway.ts'
export type {
  HostDatagrams,
  HostListener,
  HostNetwork,
  HostStream,
  NameService,
  NetTimers,
  StreamEvents,
} from './net/host-network.ts'
export { ipText, parseIp } from './net/ip-address.ts'
export { ipBytes } from './net/ip-address.ts'
export { Egress, type NetworkPolicy, type PolicyEvent } from './net/policy.ts'
export { rateLimited } from './net/rate-limit.ts'
export { MemoryPages, type PageSource } from './snapshot/pages.ts'
export { type SnapshotBytes, SnapshotFile, type SnapshotSpace } from './snapshot/file.ts'
export { isEqual, type ParentReference, type SnapshotHost } from './snapshot/format.ts'
export { decodeHeldPages, encodeHeldPages, type HeldPages, WorkingSet } from './snapshot/working-set.ts'
export { pagesSpace, type SnapshotParts, writeSnapshot } from './snapshot/write.ts'
export { type DiskImageFile, type FrozenDisk, Holders } from './disk/frozen-disk.ts'
export { frozenStore, type MachineDisk, ReadOnlyDisk } from './disk/machine-disk.ts'
export { type DiskRate, rateLimitedDisk } from './disk/rate-limit.ts'
export { type DiskMoment, OverlayDisk } from './disk/overlay-disk.ts'
export { diskSpace, savedDisk } from './disk/saved-disk.ts'
export { ThroughDisk } from './disk/through-disk.ts'
export { type CpuLimits, cpuLimits, type LatencyClass, NO_LIMITS } from './schedule/limits.ts'
export { CpuScheduler } from './schedule/scheduler.ts'
export { type LoggedDisk, loggedDisk } from './disk/logged-disk.ts'
export type { MigrationHost, MigrationLine } from './migrate/line.ts'
export type { ReceivedPages } from './migrate/page-messages.ts'
export { type ArrivedMachine, type MachineTarget, receiveMachine } from './migrate/receive.ts'
export { type MovingMachine, type MovingSpace, type MoveReport, sendMachine } from './migrate/send.ts'
