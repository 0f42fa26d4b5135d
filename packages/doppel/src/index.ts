export { runCli } from './cli/cli.ts'
export type { Streams } from './cli/command.ts'
export type { DiskOption, RunOptions, VolumeOption } from './cli/run-options.ts'
export { openTerminal, type Terminal } from './host/terminal.ts'
export { runMachine } from './run/run.ts'
export { Machine, type MachineMetrics } from './sdk/machine.ts'
export { Snapshot } from './sdk/snapshot.ts'
export type { MachineOptions } from './sdk/options.ts'
export type {
  Abort,
  CommandOptions,
  CommandResult,
  Console,
  ConsoleViewer,
  GuestFile,
  GuestFileEvent,
  GuestProcess,
  MachineState,
} from '@doppel/monitor'
