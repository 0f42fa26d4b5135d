import type { Command } from './command.ts'
import { doctorCommand } from './commands/doctor.ts'
import { IMAGE_COMMANDS } from './commands/image.ts'
import { attachCommand } from './commands/attach.ts'
import { completionCommand } from './commands/completion.ts'
import { cpCommand } from './commands/cp.ts'
import { execCommand } from './commands/exec.ts'
import { RECORD_COMMANDS } from './commands/record.ts'
import { dapCommand } from './commands/dap.ts'
import { gdbCommand } from './commands/gdb.ts'
import { searchCommand } from './commands/search.ts'
import { inspectCommand } from './commands/inspect.ts'
import { LIFE_COMMANDS } from './commands/life.ts'
import { LOGIN_COMMANDS } from './commands/login.ts'
import { logsCommand } from './commands/logs.ts'
import { NETWORK_COMMANDS } from './commands/network.ts'
import { VOLUME_COMMANDS } from './commands/volume.ts'
import { psCommand } from './commands/ps.ts'
import { JAVA_COMMANDS } from './commands/java.ts'
import { PASCAL_COMMANDS } from './commands/pascal.ts'
import { createCommand, runCommand } from './commands/run.ts'
import { forkCommand, restoreCommand, SNAPSHOT_COMMANDS } from './commands/snapshot.ts'
import { migrateCommand } from './commands/migrate.ts'
import { setCommand } from './commands/set.ts'
import { statsCommand } from './commands/stats.ts'
import { traceCommand } from './commands/trace.ts'
import { eventsCommand } from './commands/events.ts'
import { portCommand, topCommand } from './commands/top.ts'

/** Every command, in the order of the help. A new command is one row here and one file in commands/. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  createCommand,
  psCommand,
  execCommand,
  logsCommand,
  attachCommand,
  cpCommand,
  ...LIFE_COMMANDS,
  topCommand,
  portCommand,
  eventsCommand,
  inspectCommand,
  traceCommand,
  gdbCommand,
  dapCommand,
  ...RECORD_COMMANDS,
  searchCommand,
  statsCommand,
  setCommand,
  ...SNAPSHOT_COMMANDS,
  restoreCommand,
  forkCommand,
  migrateCommand,
  ...VOLUME_COMMANDS,
  ...NETWORK_COMMANDS,
  ...JAVA_COMMANDS,
  ...PASCAL_COMMANDS,
  ...IMAGE_COMMANDS,
  ...LOGIN_COMMANDS,
  completionCommand(() => COMMANDS),
  doctorCommand,
]
