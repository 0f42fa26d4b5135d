export { AGENT_CHANNEL, type AgentState, GuestAgent, type StartRequest } from './agent/agent.ts'
export { GuestProcess, type ProcessEnd, type ProcessOutput } from './agent/running.ts'
export { shellQuote } from './agent/shell-code.ts'
export { type Abort, type CommandOptions, type CommandResult, commandCode, GuestCommands } from './agent/commands.ts'
export { type GuestFile, type GuestFileEvent, GuestFiles } from './agent/files.ts'
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
export type { NetworkPolicy, PolicyEvent } from './net/policy.ts'
export { MemoryPages, type PageSource } from './snapshot/pages.ts'
export { type SnapshotBytes, SnapshotFile, type SnapshotHost, writeSnapshot } from './snapshot/file.ts'
export { type CpuLimits, CpuScheduler } from './schedule/scheduler.ts'
