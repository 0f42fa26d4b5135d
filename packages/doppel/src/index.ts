export { runCli } from './cli/cli.ts'
export type { Streams } from './cli/command.ts'
export type { DiskOption, RunOptions, VolumeOption } from './cli/run-options.ts'
export { openTerminal, type Terminal } from './host/terminal.ts'
export { Network } from './run/network.ts'
export type { SymbolFile } from './run/symbols.ts'
export { runMachine } from './run/run.ts'
export { JavaVm, type JavaVmOptions } from './java/java-vm.ts'
export { Machine } from './sdk/machine.ts'
export type { MachineMetrics } from './sdk/machine-metrics.ts'
export type { Pty, PtyOptions, PtySize } from './guest/pty.ts'
export { type ListedMachine, RemoteMachine } from './sdk/remote-machine.ts'
export type { Isolation } from './control/isolation.ts'
export type { ListedSnapshot } from './sdk/snapshot-store.ts'
export { Snapshot } from './sdk/snapshot.ts'
export type { IsolatedOptions, MachineLimits, MachineOptions } from './sdk/options.ts'
export type {
  Abort,
  CommandOptions,
  CommandResult,
  Console,
  ConsoleViewer,
  GuestFile,
  GuestFileEvent,
  HartStack,
  RunningCommand,
  MoveReport,
  MachineState,
  NetworkPolicy,
  PolicyEvent,
} from '@doppel/monitor'
export { JavaException, type JavaFunction, type JavaObject, type JavaType, type JavaValue } from '@doppel/jvm'
